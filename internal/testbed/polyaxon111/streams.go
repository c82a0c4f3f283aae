package polyaxon111

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"math"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// line is one line of a log.
type line struct {
	Timestamp time.Time `json:"timestamp"`
	Pod       string    `json:"pod"`
	Container string    `json:"container"`
	Value     string    `json:"value"`
}

// tail is how many lines of a container a live answer has at most.
const tail = 2000

// logs answers live lines of the pods, or one file of the archive.
func (s *Server) logs(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.runs[r.PathValue("uuid")]
	answer := map[string]any{"last_time": nil, "last_file": nil, "logs": []line{}, "files": []string{}}
	query := r.URL.Query()
	switch {
	case found == nil:
	case query.Get("last_time") != "":
		since, err := time.Parse(time.RFC3339Nano, query.Get("last_time"))
		if err != nil {
			recorded("exception-get")(w, r)
			return
		}
		live := found.live[max(0, len(found.live)-tail):]
		answer["logs"] = append([]line{}, live[newer(live, since):]...)
		if !terminal(found.status) {
			answer["last_time"] = time.Now().UTC()
		}
	default:
		files := s.archived(found)
		answer["files"] = files
		next := 0
		if last := query.Get("last_file"); last != "" {
			next = slices.Index(files, last) + 1
		}
		if next < len(files) {
			text, err := os.ReadFile(filepath.Join(s.dir, found.uuid, "plxlogs", files[next]))
			var archive struct{ Logs []line }
			if err != nil || json.Unmarshal(text, &archive) != nil {
				recorded("exception-get")(w, r)
				return
			}
			answer["logs"], answer["last_file"] = archive.Logs, files[next]
		}
	}
	reply(w, http.StatusOK, answer)
}

func newer(lines []line, since time.Time) int {
	for i, l := range lines {
		if l.Timestamp.After(since) {
			return i
		}
	}
	return len(lines)
}

func (s *Server) archived(r *run) []string {
	files := []string{}
	entries, _ := os.ReadDir(filepath.Join(s.dir, r.uuid, "plxlogs")) // none is no file
	for _, e := range entries {
		files = append(files, e.Name())
	}
	return files
}

// root opens a run's directory.
func (s *Server) root(w http.ResponseWriter, r *http.Request) *os.Root {
	s.mu.Lock()
	_, ok := s.runs[r.PathValue("uuid")]
	s.mu.Unlock()
	dir := filepath.Join(s.dir, r.PathValue("uuid"))
	if ok && os.MkdirAll(dir, 0o755) == nil {
		if root, err := os.OpenRoot(dir); err == nil {
			return root
		}
	}
	http.Error(w, "Artifact not found: filepath does not exist", http.StatusNotFound)
	return nil
}

func local(p string) string {
	if clean := strings.TrimPrefix(path.Clean("/"+p), "/"); clean != "" {
		return clean
	}
	return "."
}

func (s *Server) tree(w http.ResponseWriter, r *http.Request) {
	root := s.root(w, r)
	if root == nil {
		return
	}
	defer root.Close()
	files, dirs := map[string]int64{}, []string{}
	entries, err := fs.ReadDir(root.FS(), local(r.URL.Query().Get("path")))
	if err != nil { // in an answer of 200
		reply(w, http.StatusOK, map[string]any{"files": files, "dirs": dirs, "error": err.Error()})
		return
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && !e.IsDir() {
			files[e.Name()] = info.Size()
		} else if e.IsDir() {
			dirs = append(dirs, e.Name())
		}
	}
	reply(w, http.StatusOK, map[string]any{"files": files, "dirs": dirs})
}

func (s *Server) artifact(w http.ResponseWriter, r *http.Request) {
	root := s.root(w, r)
	if root == nil {
		return
	}
	defer root.Close()
	text, err := fs.ReadFile(root.FS(), local(r.URL.Query().Get("path")))
	if err != nil {
		http.Error(w, "Artifact not found: filepath="+r.URL.Query().Get("path"), http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(text)
}

func (s *Server) removeArtifact(w http.ResponseWriter, r *http.Request) {
	root := s.root(w, r)
	if root == nil {
		return
	}
	defer root.Close()
	if root.Remove(local(r.URL.Query().Get("path"))) != nil {
		http.Error(w, "Artifact could not be deleted", http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// directory answers a tar.gz whose names begin with the directory's own.
func (s *Server) directory(w http.ResponseWriter, r *http.Request) {
	root := s.root(w, r)
	if root == nil {
		return
	}
	defer root.Close()
	at := local(r.URL.Query().Get("path"))
	if info, err := root.Stat(at); err != nil || !info.IsDir() {
		http.Error(w, "Artifact not found: filepath="+at, http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/tar+gzip")
	zip := gzip.NewWriter(w)
	packed := tar.NewWriter(zip)
	_ = fs.WalkDir(root.FS(), at, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := fs.ReadFile(root.FS(), name)
		if err != nil {
			return err
		}
		relative := path.Join(path.Base(at), strings.TrimPrefix(name, at))
		if err := packed.WriteHeader(&tar.Header{Name: relative, Mode: 0o644, Size: int64(len(text))}); err != nil {
			return err
		}
		_, err = packed.Write(text)
		return err
	})
	_, _ = packed.Close(), zip.Close()
}

// upload unpacks unless it is told not to, and deletes the target first.
func (s *Server) upload(w http.ResponseWriter, r *http.Request) {
	root := s.root(w, r)
	if root == nil {
		return
	}
	defer root.Close()
	options := struct {
		Untar *bool
		Path  string
	}{}
	_ = json.Unmarshal([]byte(r.FormValue("json")), &options)
	file, header, err := r.FormFile("upload_file")
	if err != nil {
		http.Error(w, "upload_file is missing", http.StatusBadRequest)
		return
	}
	defer file.Close()
	at := local(options.Path)
	if options.Untar != nil && !*options.Untar {
		err = write(root, path.Join(at, header.Filename), file)
	} else {
		if at == "." {
			at = "uploads"
		}
		err = errors.Join(root.RemoveAll(at), unpack(root, at, file))
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusOK)
}

func write(root *os.Root, name string, content io.Reader) error {
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	file, err := root.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	return errors.Join(err, file.Close())
}

func unpack(root *os.Root, at string, content io.Reader) error {
	zip, err := gzip.NewReader(content)
	if err != nil {
		return errors.New("not a gzip file")
	}
	packed := tar.NewReader(zip)
	for {
		header, err := packed.Next()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if header.Typeflag == tar.TypeReg {
			if err := write(root, path.Join(at, local(header.Name)), packed); err != nil {
				return err
			}
		}
	}
}

// events answers what a run wrote to events/KIND/NAME.plx.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	if !r.URL.Query().Has("names") {
		recorded("exception-get")(w, r)
		return
	}
	root := s.root(w, r)
	if root == nil {
		return
	}
	defer root.Close()
	kind, data := r.PathValue("kind"), []any{}
	for name := range strings.SplitSeq(r.URL.Query().Get("names"), ",") {
		text, err := fs.ReadFile(root.FS(), path.Join("events", kind, local(name)+".plx"))
		if err != nil {
			continue
		}
		columns, err := columns(text, kind)
		if err != nil {
			recorded("exception-get")(w, r)
			return
		}
		data = append(data, map[string]any{"name": name, "kind": kind, "data": columns})
	}
	reply(w, http.StatusOK, map[string]any{"data": data})
}

func columns(text []byte, kind string) (map[string][]any, error) {
	reader := csv.NewReader(bytes.NewReader(text))
	reader.Comma, reader.LazyQuotes = '|', true
	rows, err := reader.ReadAll()
	if err != nil || len(rows) < 2 {
		return nil, errors.Join(err, errors.New("there is no event in it"))
	}
	all := map[string][]any{}
	for _, row := range rows[1:] {
		for i, name := range rows[0] {
			var value any = row[i]
			if number, err := strconv.ParseFloat(row[i], 64); err == nil && (name == "step" || name == kind) {
				if value = number; math.IsNaN(number) || math.IsInf(number, 0) {
					value = nil
				}
			}
			all[name] = append(all[name], value)
		}
	}
	return all, nil
}
