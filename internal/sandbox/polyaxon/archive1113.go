package polyaxon

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/slipway-ci/slipway/internal/sandbox/disk"
	"github.com/slipway-ci/slipway/internal/sandbox/jail"
)

// Archive configures how 1.11.3 archives the lines of a run: in files with a fixed number
// of lines, some time after the run has ended. Until then the lines are live.
type Archive struct {
	// Lines is the number of lines in a file. Zero means 2,000, as on a real server.
	Lines int
	After time.Duration
}

// tail1113 is the maximum number of lines of a container in a response with live lines.
const tail1113 = 2000

// logs1113 responds with live lines until the run is archived, or with one file of the
// archive.
func logs1113(s *Server, query logQuery, answer *lineList) error {
	end := map[string]any{"last_time": nil, "last_file": nil, "files": []string{}}
	switch {
	case !query.known:
		return answer.close(end)
	case query.live:
		now := s.options.Now() // lines written after this are in the next response
		if !s.archivable(query.run) {
			if err := s.live1113(query, answer); err != nil {
				return err
			}
		}
		if !terminal(query.run.Status) {
			end["last_time"] = stamp(now)
		}
		return answer.close(end)
	}
	path, err := archive1113(s, query.run)
	if err != nil {
		return err
	}
	dir, err := jail.Make(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	found, _, err := dir.List(".")
	if err != nil {
		return err
	}
	files := []string{}
	for name := range found {
		files = append(files, name)
	}
	slices.Sort(files)
	end["files"] = files
	next := slices.Index(files, query.file) + 1 // the first file if the request names none
	if next >= len(files) {
		return answer.close(end)
	}
	end["last_file"] = files[next]
	file, info, err := dir.Open(files[next])
	if err != nil {
		return err
	}
	defer file.Close()
	return answer.copy(io.LimitReader(file, info.Size()-1), end) // without the closing brace
}

// live1113 writes the lines after query.since, at most the last tail1113 of each
// container.
func (s *Server) live1113(query logQuery, answer *lineList) error {
	type container struct{ pod, name string }
	left := map[container]int{}
	dir := s.executor.dir("logs", query.run.UUID)
	err := eachLine(dir, query.since, func(l line) error { left[container{l.Pod, l.Container}]++; return answer.ctx.Err() })
	if err != nil {
		return err
	}
	return eachLine(dir, query.since, func(l line) error {
		c := container{l.Pod, l.Container}
		if left[c]--; left[c] >= tail1113 {
			return nil
		}
		return answer.add(l)
	})
}

// archivable reports whether a run's lines belong in the archive.
func (s *Server) archivable(run record) bool {
	return terminal(run.Status) && !s.executor.isAlive(run.UUID) && s.options.Now().Sub(run.FinishedAt) >= s.options.Archive.After
}

// archive1113 returns the directory with the files of a run's archive. It is named after
// the time at which the run ended. The first request writes the files.
func archive1113(s *Server, run record) (string, error) {
	all := s.executor.dir("archives", run.UUID)
	if !s.archivable(run) {
		return filepath.Join(all, "none"), nil
	}
	dir := filepath.Join(all, strconv.FormatInt(run.FinishedAt.UnixNano(), 10))
	if _, err := os.Lstat(dir); err == nil {
		return dir, nil
	}
	s.archiving.Lock()
	defer s.archiving.Unlock()
	if _, err := os.Lstat(dir); err == nil { // another request wrote them meanwhile
		return dir, nil
	}
	if err := os.RemoveAll(all); err != nil { // from before the run was resumed
		return "", err
	}
	part := filepath.Join(all, "part")
	if err := disk.Mkdir(part); err != nil {
		return "", err
	}
	a := &archiver{dir: part, stamp: run.FinishedAt.Unix(), maxLines: s.options.Archive.Lines}
	if a.maxLines <= 0 {
		a.maxLines = 2000
	}
	err := eachLine(s.executor.dir("logs", run.UUID), time.Time{}, a.add)
	if err = errors.Join(err, a.close()); err != nil {
		return "", disk.Explain(dir, errors.Join(err, os.RemoveAll(part)))
	}
	return dir, os.Rename(part, dir)
}

// archiver writes the files of an archive.
type archiver struct {
	dir      string
	stamp    int64
	maxLines int

	files, lines int
	file         *os.File
	list         *lineList
}

func (a *archiver) add(l line) error {
	if a.lines == a.maxLines {
		if err := a.close(); err != nil {
			return err
		}
	}
	if a.file == nil {
		file, err := os.OpenFile(filepath.Join(a.dir, fmt.Sprintf("%d.%06d", a.stamp, a.files)), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		a.file, a.list = file, &lineList{ctx: context.Background(), to: bufio.NewWriter(file)}
		a.files, a.lines = a.files+1, 0
	}
	a.lines++
	return a.list.add(l)
}

func (a *archiver) close() error {
	if a.file == nil {
		return nil
	}
	_, err := a.list.to.WriteString("]}")
	err = errors.Join(err, a.list.to.Flush(), a.file.Close())
	a.file = nil
	return err
}

// copy writes lines that are already encoded as a response, followed by the fields of
// end.
func (l *lineList) copy(from io.Reader, end map[string]any) error {
	text, err := json.Marshal(end)
	if err != nil {
		return err
	}
	l.begun = true
	if _, err := io.Copy(l.to, from); err != nil {
		return err
	}
	_, err = l.to.WriteString("," + string(text[1:]) + "\n")
	return errors.Join(err, l.to.Flush())
}
