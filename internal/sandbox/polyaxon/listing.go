package polyaxon

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// defaultPage is the length of a page of runs if the request sets no limit.
const defaultPage = 20

// listing describes how a release cuts and sends its lists.
type listing struct {
	// order is the order of runs if the request does not set one.
	order string
	// maxPage is the maximum length of a page, 0 for none. unlimited is the length for
	// limit=0.
	maxPage, unlimited int
	// pagesAll reports whether all lists are cut by default, and not only that of runs.
	pagesAll bool
	// compressed reports whether responses are compressed if that makes them smaller, even if
	// the client did not ask for it.
	compressed bool
}

// sort sorts runs by created_at or updated_at, in descending order after a "-".
func (l *listing) sort(runs []record, by string) {
	field, descending := strings.CutPrefix(by, "-")
	if field != "created_at" && field != "updated_at" {
		field, descending = strings.CutPrefix(l.order, "-")
	}
	slices.SortStableFunc(runs, func(a, b record) int {
		order := a.CreatedAt.Compare(b.CreatedAt)
		if field == "updated_at" {
			order = a.UpdatedAt.Compare(b.UpdatedAt)
		}
		if order == 0 {
			order = strings.Compare(a.UUID, b.UUID)
		}
		if descending {
			return -order
		}
		return order
	})
}

// page responds with the requested page of a list. usual is the default length of a page.
func (l *listing) page(w http.ResponseWriter, r *http.Request, all []any, usual int) {
	limit, offset := usual, 0
	if l.pagesAll {
		limit = defaultPage
	}
	query := r.URL.Query()
	if n, err := strconv.Atoi(query.Get("limit")); err == nil && n > 0 {
		limit = n
	} else if err == nil && l.unlimited > 0 {
		limit = l.unlimited
	}
	if l.maxPage > 0 {
		limit = min(limit, l.maxPage)
	}
	if n, err := strconv.Atoi(query.Get("offset")); err == nil {
		offset = min(max(0, n), len(all))
	}
	end := offset + min(limit, len(all)-offset)
	var next any
	if end < len(all) { // with the request's Host, as the server does
		query.Set("limit", strconv.Itoa(limit))
		query.Set("offset", strconv.Itoa(end))
		next = fmt.Sprintf("http://%s%s?%s", r.Host, r.URL.Path, query.Encode())
	}
	l.send(w, map[string]any{"count": len(all), "next": next, "previous": nil, "results": append([]any{}, all[offset:end]...)})
}

func (l *listing) send(w http.ResponseWriter, body any) {
	if !l.compressed {
		reply(w, http.StatusOK, body)
		return
	}
	text, err := json.Marshal(body)
	var zipped bytes.Buffer
	zip := gzip.NewWriter(&zipped)
	_, _ = zip.Write(text) // writing to memory cannot fail
	_ = zip.Close()
	if err != nil || zipped.Len() >= len(text) {
		reply(w, http.StatusOK, body)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Encoding", "gzip")
	_, _ = w.Write(zipped.Bytes()) // the client may be gone
}
