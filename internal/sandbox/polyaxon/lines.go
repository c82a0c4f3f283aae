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

// eachLine gives the lines after since of all pods, by time. The server alone writes
// them, each at most maxLine long; there may be any number.
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
		// Pods follow each other: mostly all lines of one come before those of others.
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

// podLines are the lines of one pod, of which next is the one to come.
type podLines struct {
	file   *os.File
	reader *bufio.Reader
	since  time.Time
	next   line
}

// advance goes to the next line after since, and says whether there is one.
func (p *podLines) advance() bool {
	for {
		text, err := p.reader.ReadBytes('\n')
		if err != nil {
			return false // the end, or a line that is not whole yet
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

// writtenAt gives the time that a line begins with, without reading the rest of it.
func writtenAt(text []byte) (time.Time, bool) {
	rest, ok := bytes.CutPrefix(text, []byte(`{"timestamp":"`))
	stamp, _, ended := bytes.Cut(rest, []byte(`"`))
	if !ok || !ended {
		return time.Time{}, false
	}
	at, err := time.Parse(time.RFC3339Nano, string(stamp))
	return at, err == nil
}
