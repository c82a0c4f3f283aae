package polyaxon

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/sandbox/jail"
)

// maxEvents is the limit of the file of one metric, in bytes, and maxAllEvents that of
// all files that a request names. maxRows and maxColumns are the limits of what is in them, as
// a value takes more memory than its text: no row with a time has less than 32 bytes.
const (
	maxEvents    = 32 << 20
	maxAllEvents = 2 * maxEvents
	maxRows      = maxEvents / 32
	maxColumns   = 8
)

// line is one line of a container, as archives contain it.
type line struct {
	Timestamp time.Time `json:"timestamp"`
	Node      string    `json:"node"`
	Pod       string    `json:"pod"`
	Container string    `json:"container"`
	Value     string    `json:"value"`
}

// logQuery is a request for lines of a run.
type logQuery struct {
	run   record
	known bool
	// live asks for the lines after since that are not archived. Otherwise the request is
	// for the archive, and file is the file that the previous response was from.
	live  bool
	since time.Time
	file  string
}

// logs responds with live lines if the request has last_time, and else with the archive.
func (s *Server) logs(w http.ResponseWriter, r *http.Request) {
	query := logQuery{live: r.URL.Query().Has("last_time"), file: r.URL.Query().Get("last_file")}
	if query.live {
		var err error
		if query.since, err = time.Parse(time.RFC3339Nano, strings.ReplaceAll(r.URL.Query().Get("last_time"), " ", "+")); err != nil {
			s.serverFault(w, "last_time is not a valid time")
			return
		}
	}
	query.run, query.known = s.runOf(r)
	w.Header().Set("Content-Type", "application/json")
	answer := &lineList{ctx: r.Context(), to: bufio.NewWriterSize(w, 64<<10)}
	switch err := s.dialect.logs(s, query, answer); {
	case err != nil && answer.begun:
		panic(http.ErrAbortHandler) // a truncated response must not look complete
	case err != nil:
		s.internalError(w, err)
	}
}

// lineList writes a response with lines.
type lineList struct {
	ctx   context.Context
	to    *bufio.Writer
	begun bool
}

func (l *lineList) add(next line) error {
	if err := l.ctx.Err(); err != nil {
		return err
	}
	text, err := json.Marshal(next)
	if err != nil {
		return err
	}
	before := ","
	if !l.begun {
		before = `{"logs":[`
	}
	l.begun = true
	_, err = l.to.WriteString(before)
	_, after := l.to.Write(text)
	return errors.Join(err, after)
}

// close writes the fields that follow the lines.
func (l *lineList) close(end map[string]any) error {
	text, err := json.Marshal(end)
	if err != nil {
		return err
	}
	if !l.begun {
		_, err = l.to.WriteString(`{"logs":[`)
	}
	_, ending := l.to.WriteString("]," + string(text[1:]) + "\n")
	return errors.Join(err, ending, l.to.Flush())
}

// events responds with what a run wrote to events/KIND/NAME.plx.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	kind := r.PathValue("kind")
	query := r.URL.Query()
	switch {
	case !query.Has("names"):
		s.serverFault(w, "names is missing")
		return
	case kind != "metric" && kind != "text" && kind != "image" && kind != "chart" && kind != "html" && kind != "artifact":
		http.Error(w, "events of kind "+kind+" are not supported", http.StatusBadRequest)
		return
	}
	artifacts := s.artifacts(w, r)
	if artifacts == nil {
		return
	}
	defer artifacts.Close()
	data := []any{}
	left := int64(maxAllEvents)
	read := map[string]bool{"": true}
	for _, name := range strings.Split(query.Get("names"), ",") {
		if read[name] {
			continue
		}
		read[name] = true
		text, err := artifacts.Read(path.Join("events", kind, jail.Local(name)+".plx"), min(left, maxEvents))
		left -= int64(len(text))
		if tooLarge := new(jail.LimitError); errors.As(err, &tooLarge) {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		if err != nil {
			continue
		}
		if query.Get("orient") == "csv" {
			data = append(data, map[string]any{"name": name, "kind": kind, "data": string(text)})
			continue
		}
		columns, err := parseEvents(kind, text)
		if err != nil {
			s.serverFault(w, "the events "+name+" cannot be read: "+err.Error())
			return
		}
		data = append(data, map[string]any{"name": name, "kind": kind, "data": columns})
	}
	reply(w, http.StatusOK, map[string]any{"data": data})
}

// parseEvents parses lines of step|timestamp|KIND by column. A metric that is not a
// finite number becomes null, because JSON cannot express it.
func parseEvents(kind string, text []byte) (map[string][]any, error) {
	reader := csv.NewReader(bytes.NewReader(text))
	reader.Comma, reader.LazyQuotes, reader.ReuseRecord = '|', true, true
	if first, _, _ := bytes.Cut(text, []byte("\n")); bytes.Count(first, []byte("|")) >= maxColumns {
		return nil, fmt.Errorf("it has more than %d columns", maxColumns)
	}
	header, err := reader.Read()
	if err != nil {
		return nil, errNoEvents
	}
	header = slices.Clone(header)
	columns := map[string][]any{}
	for rows := 0; ; rows++ {
		row, err := reader.Read()
		switch {
		case errors.Is(err, io.EOF) && rows == 0:
			return nil, errNoEvents
		case errors.Is(err, io.EOF):
			return columns, nil
		case err != nil:
			return nil, err
		case rows == maxRows:
			return nil, fmt.Errorf("it has more than %d events", maxRows)
		}
		for i, name := range header {
			columns[name] = append(columns[name], eventValue(kind, name, row[i]))
		}
	}
}

// errNoEvents reports a file without events.
var errNoEvents = errors.New("it has no events")

// eventValue returns the value of a cell.
func eventValue(kind, column, text string) any {
	number, err := strconv.ParseFloat(text, 64)
	switch {
	case err == nil && (column == "step" || column == kind && kind == "metric"):
		if math.IsNaN(number) || math.IsInf(number, 0) {
			return nil
		}
		return number
	case column == "metric" || text == "": // also of a step that was not given
		return nil
	}
	return text
}
