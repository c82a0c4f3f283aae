package storage

import (
	"errors"
	"strings"
)

var errForeign = errors.New("the answer has what was not asked for: check whether a proxy changes the answers of Cloud Storage")

var errEndless = errors.New("the list does not end: Cloud Storage returns the same objects, or nothing, again and again")

// maxEmptyPages is how many pages in a row may have nothing, as some of a bucket have whose objects were deleted.
const maxEmptyPages = 1000

// listPage is one page of a list of objects.
type listPage struct {
	Items    []*Object
	Prefixes []string
	Next     string `json:"nextPageToken"`
}

// listOrder is how far a list has come. Objects and prefixes come by name: each page has later ones than the pages
// before it, so that a list which does not go on is found out.
type listOrder struct {
	object, prefix string
	empty          int
}

// check returns an error for a page that has something else than was asked for, or that is not a later one.
func (l *listOrder) check(page *listPage, bucket, prefix string) error {
	was := *l
	for _, p := range page.Prefixes {
		if p <= was.prefix {
			return errEndless
		}
		l.prefix = max(l.prefix, p)
	}
	for _, o := range page.Items {
		switch {
		case o == nil || o.Name == "" || o.Bucket != bucket || !strings.HasPrefix(o.Name, prefix) || o.Size < 0:
			return errForeign
		case o.Name <= was.object:
			return errEndless
		}
		l.object = max(l.object, o.Name)
	}
	if l.empty++; len(page.Items)+len(page.Prefixes) > 0 {
		l.empty = 0
	}
	if l.empty > maxEmptyPages {
		return errEndless
	}
	return nil
}
