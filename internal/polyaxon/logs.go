package polyaxon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// LogQuery selects lines of a run's log.
type LogQuery struct {
	Namespace, Project, UUID string
	// Kind is the run's Runtime. Servers from 2.12 on need it for live lines.
	Kind string
	// Live selects what pods have printed since LastTime. Otherwise the archive is read,
	// from LastFile on if the server pages by file (1.11.3).
	Live     bool
	LastTime time.Time
	LastFile string
}

// values returns the query parameters.
func (q LogQuery) values() url.Values {
	values := url.Values{}
	if q.Kind != "" {
		values.Set("kind", q.Kind)
	}
	switch {
	case q.Live: // in UTC, since the + of a zone would be read as a space
		values.Set("last_time", q.LastTime.UTC().Format("2006-01-02T15:04:05.000000Z"))
	case q.LastFile != "":
		values.Set("last_file", q.LastFile)
		fallthrough
	default:
		// Without force, servers keep returning what they found when first asked.
		values.Set("force", "true")
	}
	return values
}

// LogLine is one line that a container printed.
type LogLine struct {
	Timestamp                   time.Time
	Node, Pod, Container, Value string
}

// line is a LogLine as servers send it.
type line struct {
	Timestamp stamp `json:"timestamp"`
	Node      text  `json:"node"`
	Pod       text  `json:"pod"`
	Container text  `json:"container"`
	Value     text  `json:"value"`
}

// LogPage is a response to a LogQuery. LastFile is empty when there is no further file.
type LogPage struct {
	Lines    []LogLine
	LastTime time.Time
	LastFile string
	Files    []string
}

// Logs requests lines and returns them all at once. Servers send live lines on a
// best-effort basis: they are grouped by container, may repeat and may be lost. A request
// for live lines is sent once, since another one follows anyway.
func (c *Client) Logs(ctx context.Context, q LogQuery) (*LogPage, error) {
	var page *LogPage
	ask := func() error {
		var lines []LogLine
		var err error
		page, err = c.ReadLogs(ctx, q, func(l LogLine) error {
			lines = append(lines, l)
			return nil
		})
		if err == nil {
			page.Lines = lines
		}
		return err
	}
	if q.Live {
		return page, ask()
	}
	return page, c.retry(ctx, ask)
}

// ReadLogs sends one request and calls take for each line as it arrives, since a response
// may contain the whole log of a run. An error of take ends the reading and is returned
// as it is. take may have been called before any error. The returned page has no lines.
func (c *Client) ReadLogs(ctx context.Context, q LogQuery, take func(LogLine) error) (*LogPage, error) {
	at := Artifact{Namespace: q.Namespace, Project: q.Project, UUID: q.UUID}
	r := request{method: http.MethodGet, path: c.streams(at, "logs"), query: q.values(), limit: c.limits.stream, stream: true}
	if q.Live {
		r.limit, r.stream = c.limits.ask, false
	}
	body, err := c.open(ctx, r)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	page := &LogPage{}
	rest := &valueLimit{Reader: body, limit: c.limits.size}
	var taking *callbackError
	switch err := page.read(rest, take); {
	case err == nil:
		return page, nil
	case errors.As(err, &taking):
		return nil, taking.err
	case errors.Is(err, errNoObject) && rest.html:
		return nil, htmlError(r, body.from, http.StatusOK)
	case errors.Is(err, errNoObject), errors.Is(err, errTooLong), errors.As(err, new(*json.SyntaxError)), errors.As(err, new(*json.UnmarshalTypeError)):
		return nil, r.unexpected("the response is not a log: " + err.Error())
	default:
		return nil, c.contactError(r, err)
	}
}

// callbackError distinguishes an error of take from one of the network.
type callbackError struct{ err error }

func (e *callbackError) Error() string { return e.err.Error() }

// errNoObject and errTooLong report responses that are not a log.
var (
	errNoObject = errors.New("it is not a JSON object")
	errTooLong  = errors.New("a line is longer")
)

// read reads one response and calls take for each of its lines.
func (p *LogPage) read(body *valueLimit, take func(LogLine) error) error {
	decoder := json.NewDecoder(body)
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		if err == nil || body.html {
			return errNoObject
		}
		return unexpectedEOF(err)
	}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return unexpectedEOF(err)
		}
		body.used = 0
		var at stamp
		var file text
		switch key {
		case "logs":
			err = p.lines(decoder, body, take)
		case "last_time":
			err = decoder.Decode(&at)
			p.LastTime = time.Time(at)
		case "last_file":
			err = decoder.Decode(&file)
			p.LastFile = string(file)
		case "files":
			err = decoder.Decode(&p.Files)
		default:
			err = decoder.Decode(new(json.RawMessage))
		}
		if err != nil {
			return unexpectedEOF(err)
		}
	}
	_, err := decoder.Token() // a response without its last brace was cut off
	return unexpectedEOF(err)
}

// lines reads the array of lines, which may be null.
func (p *LogPage) lines(decoder *json.Decoder, body *valueLimit, take func(LogLine) error) error {
	if token, err := decoder.Token(); err != nil || token == nil {
		return err
	} else if token != json.Delim('[') {
		return errNoObject
	}
	for decoder.More() {
		body.used = 0
		var l line
		if err := decoder.Decode(&l); err != nil {
			return err
		}
		if err := take(LogLine{Timestamp: time.Time(l.Timestamp), Node: string(l.Node), Pod: string(l.Pod), Container: string(l.Container), Value: string(l.Value)}); err != nil {
			return &callbackError{err}
		}
	}
	_, err := decoder.Token()
	return err
}

// unexpectedEOF replaces io.EOF with an error that says that the response ended too early.
func unexpectedEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("the response ends too early: %w", io.ErrUnexpectedEOF)
	}
	return err
}

// valueLimit limits how many bytes are read for one value, and records whether the body
// begins like a web page.
type valueLimit struct {
	io.Reader
	limit, used int
	seen        bool
	html        bool
}

// Read implements io.Reader. It returns errTooLong when the limit is exceeded.
func (a *valueLimit) Read(p []byte) (int, error) {
	if a.used > a.limit {
		return 0, fmt.Errorf("%w than %d MiB", errTooLong, a.limit>>20)
	}
	n, err := a.Reader.Read(p)
	a.used += n
	if !a.seen && n > 0 {
		a.seen, a.html = true, looksLikeHTML(p[:n])
	}
	return n, err
}
