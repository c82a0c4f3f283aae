package secret

import (
	"bytes"
	"slices"
	"strings"
	"sync"
)

const (
	// shortest is the length, in bytes, below which a text is not masked: replacing
	// such short texts would make output unreadable and protect little.
	shortest = 4
	// inWords is the length from which a text is masked inside of words too.
	inWords = 8
	// cutFrom is how much of a value must stand before an ellipsis to be masked.
	cutFrom = 8
	// longChain bounds how many places of one beginning are compared.
	longChain  = 64
	filterBits = 20
)

// Masker knows the values that nobody may see, and replaces them in text by ***:
// as they are, and in all forms that Forms and what it is made with derive. It may
// be used by several goroutines, and a nil Masker knows nothing.
type Masker struct {
	mu      sync.RWMutex
	escapes []func(string) string
	forms   []form
	known   map[string]bool
	// places are where forms can be met, in chains by the four bytes there; filter
	// says for most texts that no chain has them.
	places []place
	chains map[uint32]chain
	filter []uint64
	// public are texts that everybody may read.
	public []string
	// told are forms that Tell has been called with.
	told map[string]bool
	tell func(form string)
}

type (
	place struct{ form, at, next int32 }
	chain struct {
		first int32
		count int
	}
	span struct{ start, end int }
)

// NewMasker gives a Masker that knows, besides what encoders make of a value, what
// escapes make of it: those of the program that prints.
func NewMasker(escapes ...func(string) string) *Masker {
	return &Masker{
		escapes: escapes, known: map[string]bool{}, chains: map[uint32]chain{}, told: map[string]bool{},
	}
}

// Tell has each form that somebody else can replace, literally and anywhere, told
// to tell: values of less than 8 bytes would break words there and are not told.
func (m *Masker) Tell(tell func(form string)) { m.tell = tell }

// Public says that texts, such as the name of a registry, are no secret: a value
// that is part of one is not masked there.
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

// Learner is told the values that nobody may see.
type Learner interface {
	// Learn takes a value, which the caller does not change afterwards. It is not sure
	// to be a secret when it only looks like one.
	Learn(value []byte, sure bool)
}

// Tell tells to, which may be nil, values that nobody may see.
func Tell(to Learner, values ...Value) {
	for _, v := range values {
		if to != nil {
			to.Learn(v.Reveal(), true)
		}
	}
}

// Suspect tells to, which may be nil, values that look like secrets and may be none.
func Suspect(to Learner, values ...Value) {
	for _, v := range values {
		if to != nil {
			to.Learn(v.Reveal(), false)
		}
	}
}

// Add has values masked from now on.
func (m *Masker) Add(values ...Value) {
	for _, v := range values {
		m.Learn(v.Reveal(), true)
	}
}

// Learn implements Learner: it has a value masked from now on. Of one that is not sure
// to be a secret nobody else is told: a runner would replace it in what other programs
// print, too.
func (m *Masker) Learn(value []byte, sure bool) {
	if m == nil {
		return
	}
	var news []string
	m.mu.Lock()
	for _, part := range parts(value) {
		if told, known := m.known[part]; known && (told || !sure) {
			continue
		}
		m.known[part] = sure
		for _, f := range derive(part, m.escapes) {
			m.add(f)
			if sure && m.tellable(f) {
				news = append(news, f.text)
			}
		}
	}
	m.mu.Unlock()
	for _, text := range news { // whoever is told may write to what m masks
		m.tell(text)
	}
}

// add has a form masked.
func (m *Masker) add(f form) {
	if len(f.text) < shortest || m.known[f.key()] {
		return
	}
	m.known[f.key()] = true
	if m.filter == nil {
		m.filter = make([]uint64, 1<<filterBits/64)
	}
	number := int32(len(m.forms)) //nolint:gosec // a value has at most 1 MiB
	m.forms = append(m.forms, f)
	for at := 0; at <= len(f.text)-max(shortest, min(f.piece, len(f.text))); at += f.stride() {
		m.index(number, at, f.text)
		if f.piece == 0 {
			break
		}
	}
}

// tellable tells whether somebody who replaces literally, and everywhere, is to
// know a form: a runner drops each output that holds it.
func (m *Masker) tellable(f form) bool {
	if m.tell == nil || len(f.text) < inWords || f.twice || m.told[f.text] || strings.ContainsAny(f.text, "\r\n") {
		return false
	}
	m.told[f.text] = true
	return !slices.ContainsFunc(m.public, func(text string) bool { return strings.Contains(text, f.text) })
}

func (m *Masker) index(number int32, at int, text string) {
	key := begins(text[at:])
	c := m.chains[key]
	if c.count == longChain {
		return
	}
	next := int32(-1)
	if c.count > 0 {
		next = c.first
	}
	m.places = append(m.places, place{number, int32(at), next})  //nolint:gosec // as above
	m.chains[key] = chain{int32(len(m.places) - 1), c.count + 1} //nolint:gosec // as above
	hash := key * 0x9E3779B1 >> (32 - filterBits)                // Knuth's multiplicative hash
	m.filter[hash/64] |= 1 << (hash % 64)
}

// begins gives the first four bytes of text as a number.
func begins[T string | []byte](text T) uint32 {
	return uint32(text[0]) | uint32(text[1])<<8 | uint32(text[2])<<16 | uint32(text[3])<<24
}

// Mask gives s with all values replaced.
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

// replace appends text[from:to] to b, with *** for what spans cover.
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

// find gives what is to be replaced in text from a place on, in order and without
// overlaps, and up to where that is certain whatever follows; all is when nothing
// does.
func (m *Masker) find(text []byte, from int, last bool) ([]span, int) {
	var spans []span
	safe := len(text)
	if len(m.forms) == 0 {
		return nil, safe
	}
	if !last {
		safe = max(from, len(text)-shortest+1)
	}
	for i := from; i+shortest <= len(text); i++ {
		key := begins(text[i:])
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
		i = max(i, found.end-inWords) // what begins in it and goes on beyond it is found from there
	}
	if len(spans) > 0 && !last {
		safe = min(safe, spans[0].start) // what stands around it may matter
	}
	return spans, safe
}

// isPublic tells whether what s covers is part of a text that everybody may read.
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
