package polyaxon

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/slipway-ci/slipway/internal/sandbox/disk"
)

// maxLine is the length in bytes above which a line is split.
const maxLine = 1 << 20

// logWriter writes the lines of a pod's containers to its log file. It writes each line
// at once, with increasing timestamps.
type logWriter struct {
	pod string
	now func() time.Time

	mu      sync.Mutex
	file    *os.File
	last    time.Time
	streams map[string][]*logStream
	err     error
}

func openLog(path, pod string, now func() time.Time) (*logWriter, error) {
	file, err := disk.Append(path)
	if err != nil {
		return nil, err
	}
	return &logWriter{pod: pod, now: now, file: file, streams: map[string][]*logStream{}}, nil
}

// stream returns a writer for one of a container's outputs.
func (l *logWriter) stream(name string) io.Writer {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &logStream{log: l, container: name}
	l.streams[name] = append(l.streams[name], s)
	return s
}

// flush writes the last line of a container's outputs if it has no newline.
func (l *logWriter) flush(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.streams[name] {
		if len(s.partial) > 0 {
			l.write(name, s.partial)
			s.partial = nil
		}
	}
}

func (l *logWriter) close() error {
	for name := range l.streams {
		l.flush(name)
	}
	return errors.Join(l.err, l.file.Close())
}

// write appends one line. The caller must hold mu.
func (l *logWriter) write(name string, text []byte) {
	now := l.now().Truncate(time.Microsecond)
	if !now.After(l.last) {
		now = l.last.Add(time.Microsecond)
	}
	l.last = now
	record, err := json.Marshal(line{Timestamp: now, Node: nodeName, Pod: l.pod, Container: name, Value: valid(lastState(text))})
	if err == nil {
		_, err = l.file.Write(append(record, '\n'))
	}
	if err != nil && l.err == nil {
		l.err = err
	}
}

func valid(text []byte) string {
	if utf8.Valid(text) {
		return string(text)
	}
	return string(bytes.ToValidUTF8(text, []byte("\ufffd")))
}

// logStream splits a container's output into lines.
type logStream struct {
	log       *logWriter
	container string
	partial   []byte
}

// Write takes output. It never fails: a log that cannot be written must not end the job.
func (s *logStream) Write(b []byte) (int, error) {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	n := len(b)
	for len(b) > 0 {
		end := bytes.IndexByte(b, '\n')
		if end < 0 {
			s.partial = redrawn(append(s.partial, b...))
			b = nil
		} else {
			s.partial = append(s.partial, b[:end]...)
			b = b[end+1:]
		}
		for len(s.partial) > maxLine {
			s.log.write(s.container, append(s.partial[:maxLine:maxLine], " [line continues]"...))
			s.partial = append([]byte{}, s.partial[maxLine:]...)
		}
		if end >= 0 {
			s.log.write(s.container, s.partial)
			s.partial = s.partial[:0]
		}
	}
	return n, nil
}
