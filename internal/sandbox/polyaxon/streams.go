package polyaxon

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"math"
	"net/http"
	"os"
	"path"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/sandbox/jail"
)

// maxEvents bounds the file of one metric, in bytes.
const maxEvents = 32 << 20

// line is one line of a container, as archives hold it.
type line struct {
	Timestamp time.Time `json:"timestamp"`
	Node      string    `json:"node"`
	Pod       string    `json:"pod"`
	Container string    `json:"container"`
	Value     string    `json:"value"`
}

// logs answers live lines, when asked with last_time, or the archive: both are
// the same files here.
func (s *Server) logs(w http.ResponseWriter, r *http.Request) {
	var since time.Time
	live := r.URL.Query().Has("last_time")
	if live {
		var err error
		if since, err = time.Parse(time.RFC3339Nano, strings.ReplaceAll(r.URL.Query().Get("last_time"), " ", "+")); err != nil {
			http.Error(w, "last_time is no time", http.StatusInternalServerError)
			return
		}
	}
	run, known := s.store.run(r.PathValue("uuid"))
	lines := []line{}
	if known && run.Project == r.PathValue("project") {
		var err error
		if lines, err = readLines(s.executor.dir("logs", run.UUID), since); err != nil {
			s.broken(w, err)
			return
		}
	}
	var last any
	if live && known && !terminal(run.Status) {
		last = stamp(s.options.Now())
		if n := len(lines); n > 0 {
			last = lines[n-1].Timestamp.Format(time.RFC3339Nano)
		}
		lines = append(lines, s.executor.going(run.UUID)...)
	}
	reply(w, http.StatusOK, map[string]any{"last_time": last, "last_file": nil, "logs": lines, "files": []any{}})
}

// readLines reads the lines after since of all pods, by time. The server alone
// writes them, each at most maxLine long.
func readLines(dir string, since time.Time) ([]line, error) {
	logs, err := jail.Make(dir)
	if err != nil {
		return nil, err
	}
	defer logs.Close()
	all := []line{}
	err = logs.Walk(".", func(_ string, file *os.File, info fs.FileInfo) error {
		reader := bufio.NewReader(io.LimitReader(file, info.Size()))
		for {
			text, err := reader.ReadBytes('\n')
			if err != nil {
				return nil //nolint:nilerr // the end, or a line that is not whole yet
			}
			var l line
			if json.Unmarshal(text, &l) == nil && l.Timestamp.After(since) {
				all = append(all, l)
			}
		}
	})
	sort.SliceStable(all, func(i, j int) bool { return all[i].Timestamp.Before(all[j].Timestamp) })
	return all, err
}

// events answers what a run wrote to events/KIND/NAME.plx.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	kind := r.PathValue("kind")
	query := r.URL.Query()
	switch {
	case !query.Has("names"):
		http.Error(w, "names is missing", http.StatusInternalServerError)
		return
	case kind != "metric" && kind != "text" && kind != "image" && kind != "chart" && kind != "html" && kind != "artifact":
		http.Error(w, "events of kind "+kind+" are not known", http.StatusBadRequest)
		return
	}
	artifacts := s.artifacts(w, r)
	if artifacts == nil {
		return
	}
	defer artifacts.Close()
	data := []any{}
	for _, name := range strings.Split(query.Get("names"), ",") {
		if name == "" {
			continue
		}
		text, err := artifacts.Read(path.Join("events", kind, jail.Local(name)+".plx"), maxEvents)
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
			http.Error(w, "the events "+name+" cannot be read: "+err.Error(), http.StatusInternalServerError)
			return
		}
		data = append(data, map[string]any{"name": name, "kind": kind, "data": columns})
	}
	reply(w, http.StatusOK, map[string]any{"data": data})
}

// parseEvents reads step|timestamp|KIND lines by column. A metric that is no
// finite number is null, as in JSON it must be.
func parseEvents(kind string, text []byte) (map[string][]any, error) {
	reader := csv.NewReader(bytes.NewReader(text))
	reader.Comma, reader.LazyQuotes = '|', true
	rows, err := reader.ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) < 2 {
		return nil, errors.New("there is no event in it")
	}
	columns := map[string][]any{}
	for _, row := range rows[1:] {
		for i, name := range rows[0] {
			var value any = row[i]
			if number, err := strconv.ParseFloat(row[i], 64); err == nil && (name == "step" || name == kind && kind == "metric") {
				value = number
				if math.IsNaN(number) || math.IsInf(number, 0) {
					value = nil
				}
			} else if name == "metric" {
				value = nil
			}
			columns[name] = append(columns[name], value)
		}
	}
	return columns, nil
}
