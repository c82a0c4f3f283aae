package edit

import (
	"bytes"
	"cmp"
	"slices"
)

// hunk is a changed range of whole lines: the offsets of the old lines, and their new
// text.
type hunk struct {
	from, to int
	text     []byte
}

// batch applies as many of the edits as change different lines, so that the text is
// parsed once for all of them. It returns the new document and the number of edits. The
// document is nil when the new text does not have the expected value; these edits must
// then be applied one by one.
func (d *document) batch(edits []Edit) (*document, int) {
	var hunks []hunk
	want := d.value
	n := 0
	for ; n < len(edits); n++ {
		e := edits[n]
		if slices.ContainsFunc(edits[:n], func(before Edit) bool { return before.moves(e, d.value) }) {
			break
		}
		after, err := e.ApplyTo(want)
		if err != nil {
			break
		}
		if e.value, err = plain(e.value); err != nil {
			break
		}
		if _, err := e.ApplyTo(d.value); err != nil {
			break
		}
		if Equal(after, want) {
			continue
		}
		changed, err := d.edit(e)
		if err != nil {
			break
		}
		h := d.hunk(changed)
		if slices.ContainsFunc(hunks, h.overlaps) {
			break
		}
		hunks, want = append(hunks, h), after
	}
	if n < 2 {
		return nil, min(1, len(edits))
	}
	slices.SortStableFunc(hunks, func(a, b hunk) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	var text []byte
	at := 0
	for _, h := range hunks {
		text = append(append(text, d.text[at:h.from]...), h.text...)
		at = h.to
	}
	return parseAs(append(text, d.text[at:]...), want), n
}

// moves reports whether an edit changes what another edit's path refers to: a value that
// the edit creates or changes, or an index in a list that it shifts.
func (e Edit) moves(other Edit, value any) bool {
	if e.verb == insert && other.verb == insert && e.path[len(e.path)-1] == "-" && slices.Equal(e.path, other.path) {
		return false
	}
	shared := 0
	for shared < min(len(e.path), len(other.path)) && e.path[shared] == other.path[shared] {
		shared++
	}
	if shared == len(e.path) || shared == len(other.path) {
		return true
	}
	_, isMap := valueAt(value, e.path[:shared]).(map[string]any)
	return !isMap && e.verb != set && shared == len(e.path)-1
}

// valueAt returns the value at a path, or nil when there is none.
func valueAt(value any, path []string) any {
	for _, key := range path {
		switch x := value.(type) {
		case map[string]any:
			value = x[key]
		case []any:
			i, err := index(key, len(x))
			if err != nil {
				return nil
			}
			value = x[i]
		default:
			return nil
		}
	}
	return value
}

// hunk returns the lines in which another text differs.
func (d *document) hunk(changed []byte) hunk {
	limit := min(len(d.text), len(changed))
	from := 0
	for from < limit && d.text[from] == changed[from] {
		from++
	}
	from = d.lineStart(from)
	same := 0 // length of the common end
	for same < limit-from && d.text[len(d.text)-1-same] == changed[len(changed)-1-same] {
		same++
	}
	if same < len(d.text)-from || same < len(changed)-from {
		// The common end must begin at the beginning of a line.
		start := len(d.text) - same
		if start != d.lineStart(start) || !atLineStart(changed, len(changed)-same) {
			if n := bytes.IndexByte(d.text[start:], '\n'); n >= 0 {
				same -= n + 1
			} else {
				same = 0
			}
		}
	}
	return hunk{from, len(d.text) - same, changed[from : len(changed)-same]}
}

func atLineStart(text []byte, at int) bool { return at == 0 || text[at-1] == '\n' }

// overlaps reports whether both hunks change the same line. Lines that are inserted at
// the same place do not overlap: they follow each other.
func (h hunk) overlaps(other hunk) bool {
	if h.from == h.to && other.from == other.to {
		return false
	}
	return h.from < other.to && other.from < h.to || h.from == other.from
}
