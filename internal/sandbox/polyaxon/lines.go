package polyaxon

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/slipway-ci/slipway/internal/sandbox/jail"
)

// eachLine calls visit with the lines after since of all pods, ordered by time. Only the
// server writes them, and it splits lines longer than maxLine. There may be any number of
// lines.
func eachLine(dir string, since time.Time, visit func(line) error) error {
	logs, err := jail.Make(dir)
	if err != nil {
		return err
	}
	defer logs.Close()
	files, _, err := logs.List(".")
	if err != nil {
		return err
	}
	var pods []*podLines
	defer func() {
		for _, p := range pods {
			_ = p.file.Close()
		}
	}()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		file, info, err := logs.Open(name)
		if err != nil {
			return err
		}
		p := &podLines{file: file, reader: bufio.NewReader(io.LimitReader(file, info.Size())), since: since}
		if p.advance() {
			pods = append(pods, p)
		} else {
			_ = file.Close()
		}
	}
	for len(pods) > 0 {
		// Pods mostly run one after the other, so this rarely changes the order.
		slices.SortStableFunc(pods, func(a, b *podLines) int { return a.next.Timestamp.Compare(b.next.Timestamp) })
		first := pods[0]
		for len(pods) == 1 || !first.next.Timestamp.After(pods[1].next.Timestamp) {
			if err := visit(first.next); err != nil {
				return err
			}
			if !first.advance() {
				_ = first.file.Close()
				pods = pods[1:]
				break
			}
		}
	}
	return nil
}

// podLines reads the lines of one pod. next is the next line.
type podLines struct {
	file   *os.File
	reader *bufio.Reader
	since  time.Time
	next   line
}

// advance moves to the next line after since and reports whether there is one.
func (p *podLines) advance() bool {
	for {
		text, err := p.reader.ReadBytes('\n')
		if err != nil {
			return false // the end, or an incomplete line
		}
		if at, ok := writtenAt(text); ok && !at.After(p.since) {
			continue
		}
		p.next = line{}
		if json.Unmarshal(text, &p.next) == nil && p.next.Timestamp.After(p.since) {
			return true
		}
	}
}

// writtenAt returns the timestamp at the start of a line, without parsing the rest of it.
func writtenAt(text []byte) (time.Time, bool) {
	rest, ok := bytes.CutPrefix(text, []byte(`{"timestamp":"`))
	stamp, _, ended := bytes.Cut(rest, []byte(`"`))
	if !ok || !ended {
		return time.Time{}, false
	}
	at, err := time.Parse(time.RFC3339Nano, string(stamp))
	return at, err == nil
}
