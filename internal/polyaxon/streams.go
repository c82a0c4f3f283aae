package polyaxon

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
)

// LogQuery asks for lines of a run.
type LogQuery struct {
	Namespace, Project, UUID string
	// Kind is the run's runtime; servers from 2.12 on need it for live lines.
	Kind string
	// Live asks for what pods have printed since LastTime; otherwise the archive
	// is asked for, from LastFile on where the server pages by file (1.11.3).
	Live     bool
	LastTime time.Time
	LastFile string
}

// LogLine is one line of a container.
type LogLine struct {
	Timestamp                   time.Time
	Node, Pod, Container, Value string
}

// UnmarshalJSON reads a line. A server gives numbers for values, and for names
// of pods, when all of a file look like numbers.
func (l *LogLine) UnmarshalJSON(text []byte) error {
	var raw struct{ Timestamp, Node, Pod, Container, Value any }
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&raw); err != nil {
		return err
	}
	*l = LogLine{Timestamp: parseTime(raw.Timestamp), Node: plain(raw.Node), Pod: plain(raw.Pod), Container: plain(raw.Container), Value: plain(raw.Value)}
	return nil
}

// LogPage is one answer. LastFile is "" when there is no further file.
type LogPage struct {
	Lines    []LogLine
	LastTime time.Time
	LastFile string
	Files    []string
}

// Logs asks for lines. The archive is asked for with force, since servers
// otherwise answer for ever what they saw at the first time. Live lines are the
// best effort of the server: they may repeat and may be lost.
func (c *Client) Logs(ctx context.Context, q LogQuery) (*LogPage, error) {
	values := url.Values{"force": {"true"}}
	if q.Kind != "" {
		values.Set("kind", q.Kind)
	}
	if q.Live {
		values = url.Values{"last_time": {q.LastTime.UTC().Format("2006-01-02T15:04:05.000000Z")}}
		if q.Kind != "" {
			values.Set("kind", q.Kind)
		}
	} else if q.LastFile != "" {
		values.Set("last_file", q.LastFile)
	}
	page := &LogPage{}
	ask := func() error {
		body, err := c.open(ctx, http.MethodGet, c.streams(q.Namespace, q.Project, q.UUID, "logs"), values, nil, "", askLimit)
		if err != nil {
			return err
		}
		defer body.Close()
		*page = LogPage{}
		return decodeLogs(body, page)
	}
	if q.Live {
		return page, ask() // the next poll asks again
	}
	return page, c.again(ctx, ask)
}

// decodeLogs reads an answer line by line: one may hold a run's whole log.
func decodeLogs(body io.Reader, page *LogPage) error {
	broken := func(err error) error {
		return &ContactError{Method: http.MethodGet, Path: "logs", Err: err}
	}
	decoder := json.NewDecoder(body)
	if token, err := decoder.Token(); err != nil {
		return broken(err)
	} else if token != json.Delim('{') {
		return broken(fmt.Errorf("the answer is no object"))
	}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return broken(err)
		}
		switch key {
		case "logs":
			err = decoder.Decode(&page.Lines)
		case "last_time":
			var at any
			err = decoder.Decode(&at)
			page.LastTime = parseTime(at)
		case "last_file":
			var file any
			err = decoder.Decode(&file)
			page.LastFile = plain(file)
		case "files":
			err = decoder.Decode(&page.Files)
		default:
			var skipped json.RawMessage
			err = decoder.Decode(&skipped)
		}
		if err != nil {
			return broken(err)
		}
	}
	return nil
}

// Artifact names a file or a directory of a run, relative to its root.
type Artifact struct{ Namespace, Project, UUID, Path string }

// Tree lists one directory of a run: files with their sizes in bytes, and
// directories. One that does not exist is an error that IsNotFound knows.
func (c *Client) Tree(ctx context.Context, a Artifact) (map[string]int64, []string, error) {
	var answer struct {
		Files map[string]int64 `json:"files"`
		Dirs  []string         `json:"dirs"`
		Error any              `json:"error"`
	}
	where := c.streams(a.Namespace, a.Project, a.UUID, "artifacts", "tree")
	if err := c.get(ctx, where, url.Values{"path": {a.Path}, "force": {"true"}}, &answer); err != nil {
		return nil, nil, err
	}
	if answer.Error != nil { // servers say so in an answer of 200
		return nil, nil, &Error{Method: http.MethodGet, Path: where, StatusCode: http.StatusNotFound, Kind: NotFound, Messages: []string{plain(answer.Error)}}
	}
	return answer.Files, answer.Dirs, nil
}

// Artifact opens a file of a run; the caller closes it.
func (c *Client) Artifact(ctx context.Context, a Artifact) (io.ReadCloser, error) {
	var body io.ReadCloser
	err := c.again(ctx, func() error {
		var err error
		values := url.Values{"path": {a.Path}, "stream": {"true"}, "force": {"true"}}
		body, err = c.open(ctx, http.MethodGet, c.streams(a.Namespace, a.Project, a.UUID, "artifact"), values, nil, "", time.Hour)
		return err
	})
	return body, err
}

// Upload stores content as the file a.Path of a run. Servers unpack, and first
// delete the target, unless they are told not to: the request always says so.
func (c *Client) Upload(ctx context.Context, a Artifact, content []byte) error {
	var form bytes.Buffer
	writer := multipart.NewWriter(&form)
	options, err := json.Marshal(map[string]any{"untar": false, "path": path.Dir(a.Path), "overwrite": true})
	if err != nil {
		return err
	}
	if err := writer.WriteField("json", string(options)); err != nil {
		return err
	}
	part, err := writer.CreateFormFile("upload_file", path.Base(a.Path))
	if err != nil {
		return err
	}
	if _, err := part.Write(content); err != nil {
		return err
	}
	if err := writer.Close(); err != nil {
		return err
	}
	body, err := c.open(ctx, http.MethodPost, c.streams(a.Namespace, a.Project, a.UUID, "artifact"), nil, &form, writer.FormDataContentType(), changeLimit)
	if err != nil {
		return err
	}
	return body.Close()
}

// Series is a metric over a run's steps. Values that are no number are NaN-free:
// they are left out with their step.
type Series struct {
	Steps  []int64
	Times  []time.Time
	Values []float64
}

// MetricNames gives the names of the metrics that a run has written. A name may
// hold slashes. No endpoint lists them but the tree of its events.
func (c *Client) MetricNames(ctx context.Context, a Artifact) ([]string, error) {
	const root = "events/metric"
	var names []string
	var walk func(string, int) error
	walk = func(directory string, depth int) error {
		a.Path = directory
		files, directories, err := c.Tree(ctx, a)
		if IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		for file := range files {
			if name, ok := strings.CutSuffix(path.Join(directory, file), ".plx"); ok {
				names = append(names, strings.TrimPrefix(name, root+"/"))
			}
		}
		for _, sub := range directories {
			if depth < 8 {
				if err := walk(path.Join(directory, sub), depth+1); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return names, walk(root, 0)
}

// Metrics gives metrics of a run by name; unknown names are left out.
func (c *Client) Metrics(ctx context.Context, a Artifact, names []string) (map[string]Series, error) {
	if len(names) == 0 {
		return nil, nil // servers fail when no name is given
	}
	var answer struct {
		Data []struct {
			Name string `json:"name"`
			Data struct {
				Step      []*float64 `json:"step"`
				Timestamp []any      `json:"timestamp"`
				Metric    []*float64 `json:"metric"`
			} `json:"data"`
		} `json:"data"`
	}
	values := url.Values{"names": {strings.Join(names, ",")}, "force": {"true"}}
	if err := c.get(ctx, c.streams(a.Namespace, a.Project, a.UUID, "events", "metric"), values, &answer); err != nil {
		return nil, err
	}
	metrics := map[string]Series{}
	for _, m := range answer.Data {
		var s Series
		for i, value := range m.Data.Metric {
			if value == nil { // nan, infinite or empty
				continue
			}
			s.Values = append(s.Values, *value)
			step, at := int64(i), time.Time{}
			if i < len(m.Data.Step) && m.Data.Step[i] != nil {
				step = int64(*m.Data.Step[i])
			}
			if i < len(m.Data.Timestamp) {
				at = parseTime(m.Data.Timestamp[i])
			}
			s.Steps, s.Times = append(s.Steps, step), append(s.Times, at)
		}
		metrics[m.Name] = s
	}
	return metrics, nil
}
