package secret

import (
	"bytes"
	"slices"
	"strings"
	"sync"
)

const (
	// minLength is the length, in bytes, below which a text is not masked. Masking such short
	// texts would make the output unreadable and protect little.
	minLength = 4
	// minLengthInWords is the length from which a text is masked inside of longer words, too.
	minLengthInWords = 8
	// minLengthCut is the length from which the beginning of a value is masked if an ellipsis
	// follows.
	minLengthCut = 8
	// maxCompared bounds how many places inside of forms, with the same first four bytes, are
	// compared. The beginnings of forms are always compared.
	maxCompared = 64
	filterBits  = 20
)

// Masker replaces secret values in text by ***. It finds a value as it is and in the
// forms that derive makes of it. It is safe for concurrent use. A nil Masker masks
// nothing.
type Masker struct {
	mu      sync.RWMutex
	escapes []func(string) string
	forms   []form
	known   map[string]bool
	// places are the positions in forms at which a match may begin, in chains by their first
	// four bytes. filter is a bit set of hashes that rules out most texts without a look at
	// the chains.
	places []place
	chains map[uint32]chain
	filter []uint64
	// public are texts that are not secret.
	public []string
	// passedOn are the forms that onLearn has been called with.
	passedOn map[string]bool
	onLearn  func(form string)
}

type (
	place struct{ form, at, next int32 }
	// chain is the places with the same first four bytes. inside is how many of them are not the
	// beginning of a form.
	chain struct {
		first  int32
		inside int
	}
	span struct{ start, end int }
)

// NewMasker returns an empty Masker. Besides the usual encodings, it masks what each
// function of escapes makes of a value. These are the escapes of the program that prints.
func NewMasker(escapes ...func(string) string) *Masker {
	return &Masker{
		escapes: escapes, known: map[string]bool{}, chains: map[uint32]chain{}, passedOn: map[string]bool{},
	}
}

// OnLearn sets a function that is called with each form that another program can mask too,
// by replacing it literally and everywhere. Forms of less than 8 bytes are left out, as
// that would break words. OnLearn must be called before the first value is added.
func (m *Masker) OnLearn(f func(form string)) { m.onLearn = f }

// Public declares that texts, such as the name of a registry, are not secret. A value
// that is part of such a text is not masked there.
func (m *Masker) Public(texts ...string) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, text := range texts {
		if text != "" && !slices.Contains(m.public, text) {
			m.public = append(m.public, text)
		}
	}
}

// Learner learns the values that must not be shown.
type Learner interface {
	// Learn takes a value, which the caller must not change afterwards. sure reports whether
	// the value is known to be a secret; otherwise it only looks like one.
	Learn(value []byte, sure bool)
}

// LearnAll passes secret values to a Learner, which may be nil.
func LearnAll(to Learner, values ...Value) {
	for _, v := range values {
		if to != nil {
			to.Learn(v.Reveal(), true)
		}
	}
}

// LearnSuspects passes values that look like secrets, and may not be, to a Learner, which may
// be nil.
func LearnSuspects(to Learner, values ...Value) {
	for _, v := range values {
		if to != nil {
			to.Learn(v.Reveal(), false)
		}
	}
}

// Add masks values from now on.
func (m *Masker) Add(values ...Value) {
	for _, v := range values {
		m.Learn(v.Reveal(), true)
	}
}

// Learn implements Learner: it masks value from now on. A value that is not sure to be a
// secret is not passed on to the function set by OnLearn: a runner would mask it in the
// output of other programs, too.
func (m *Masker) Learn(value []byte, sure bool) {
	if m == nil {
		return
	}
	var news []string
	m.mu.Lock()
	for _, part := range parts(value) {
		if wasSure, known := m.known[part]; known && (wasSure || !sure) {
			continue
		}
		m.known[part] = sure
		for _, f := range derive(part, m.escapes) {
			m.add(f)
			if sure && m.isPassedOn(f) {
				news = append(news, f.text)
			}
		}
	}
	m.mu.Unlock()
	for _, text := range news { // without the lock, as onLearn may write through m
		m.onLearn(text)
	}
}

// add adds a form to those that are masked.
func (m *Masker) add(f form) {
	if len(f.text) < minLength || m.known[f.key()] {
		return
	}
	m.known[f.key()] = true
	if m.filter == nil {
		m.filter = make([]uint64, 1<<filterBits/64)
	}
	number := int32(len(m.forms)) //nolint:gosec // a value has at most 1 MiB
	m.forms = append(m.forms, f)
	for at := 0; at <= len(f.text)-max(minLength, min(f.piece, len(f.text))); at += f.stride() {
		m.index(number, at, f.text)
		if f.piece == 0 {
			break
		}
	}
}

// isPassedOn reports whether a form is passed to onLearn. Another program replaces it
// literally and everywhere, and a runner drops each output that contains it.
func (m *Masker) isPassedOn(f form) bool {
	if m.onLearn == nil || len(f.text) < minLengthInWords || f.doubleEncoded || m.passedOn[f.text] || strings.ContainsAny(f.text, "\r\n") {
		return false
	}
	m.passedOn[f.text] = true
	return !slices.ContainsFunc(m.public, func(text string) bool { return strings.Contains(text, f.text) })
}

// index adds position at of the form with this number to the chain of its first four
// bytes.
func (m *Masker) index(number int32, at int, text string) {
	key := prefixOf(text[at:])
	c, has := m.chains[key]
	if !has {
		c.first = -1
	}
	if at > 0 {
		if c.inside == maxCompared {
			return
		}
		c.inside++
	}
	m.places = append(m.places, place{number, int32(at), c.first}) //nolint:gosec // as above
	c.first = int32(len(m.places) - 1)                             //nolint:gosec // as above
	m.chains[key] = c
	hash := key * 0x9E3779B1 >> (32 - filterBits) // Knuth's multiplicative hash
	m.filter[hash/64] |= 1 << (hash % 64)
}

// prefixOf returns the first four bytes of text as a number.
func prefixOf[T string | []byte](text T) uint32 {
	return uint32(text[0]) | uint32(text[1])<<8 | uint32(text[2])<<16 | uint32(text[3])<<24
}

// Mask returns s with all values replaced.
func (m *Masker) Mask(s string) string {
	if m == nil {
		return s
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	spans, _ := m.find([]byte(s), 0, true)
	if len(spans) == 0 {
		return s
	}
	return string(replace(nil, []byte(s), 0, len(s), spans))
}

// replace appends text[from:to] to b, with *** for each of spans.
func replace(b, text []byte, from, to int, spans []span) []byte {
	for _, s := range spans {
		if s.start >= to {
			break
		}
		b = append(append(b, text[from:s.start]...), masked...)
		from = s.end
	}
	return append(b, text[min(from, to):to]...)
}

// find returns the spans of text to mask from the given position on, sorted and without
// overlaps. It also returns the position up to which they hold whatever text follows. If
// last is set nothing follows, and that is all of text.
func (m *Masker) find(text []byte, from int, last bool) ([]span, int) {
	var spans []span
	safe := len(text)
	if len(m.forms) == 0 {
		return nil, safe
	}
	if !last {
		safe = max(from, len(text)-minLength+1)
	}
	for i := from; i+minLength <= len(text); i++ {
		key := prefixOf(text[i:])
		hash := key * 0x9E3779B1 >> (32 - filterBits)
		if m.filter[hash/64]&(1<<(hash%64)) == 0 {
			continue
		}
		c, ok := m.chains[key]
		if !ok {
			continue
		}
		found := span{i, i}
		for p := c.first; p >= 0; p = m.places[p].next {
			f := &m.forms[m.places[p].form]
			s, open := f.match(text, i, int(m.places[p].at), from)
			if open && !last {
				safe = min(safe, s.start)
			}
			if !m.isPublic(text, s) && (s.end > found.end || s.end == found.end && s.start < found.start) && s.end > s.start {
				found = s
			}
		}
		if found.end == found.start {
			continue
		}
		if n := len(spans); n > 0 && found.start <= spans[n-1].end {
			spans[n-1].end = max(spans[n-1].end, found.end)
			spans[n-1].start = min(spans[n-1].start, found.start)
		} else {
			spans = append(spans, found)
		}
		i = max(i, found.end-minLengthInWords) // finds a value that begins inside this span and ends after it
	}
	if len(spans) > 0 && !last {
		safe = min(safe, spans[0].start) // a value may be public, depending on the text around it
	}
	return spans, safe
}

// isPublic reports whether s is part of a public text.
func (m *Masker) isPublic(text []byte, s span) bool {
	for _, public := range m.public {
		for at := 0; ; at++ {
			found := strings.Index(public[at:], string(text[s.start:s.end]))
			if found < 0 || s.end == s.start {
				break
			}
			at += found
			if start := s.start - at; start >= 0 && bytes.HasPrefix(text[start:], []byte(public)) {
				return true
			}
		}
	}
	return false
}
