package polyaxon

import (
	"archive/tar"
	"bufio"
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
	"sort"
	"strconv"
	"strings"
	"time"
)

// line is one line of a container, as archives hold it.
type line struct {
	Timestamp time.Time `json:"timestamp"`
	Node      string    `json:"node"`
	Pod       string    `json:"pod"`
	Container string    `json:"container"`
	Value     string    `json:"value"`
}

// runDir is where a run's artifacts are.
func (s *Server) runDir(uuid string) string { return filepath.Join(s.options.Dir, "artifacts", uuid) }

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
		if lines, err = readLines(filepath.Join(s.runDir(run.UUID), "plxlogs"), since); err != nil {
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
	}
	reply(w, http.StatusOK, map[string]any{"last_time": last, "last_file": nil, "logs": lines, "files": []any{}})
}

// readLines reads the lines after since of all pods, by time.
func readLines(dir string, since time.Time) ([]line, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		return nil, err
	}
	all := []line{}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		reader := bufio.NewReader(f)
		for {
			text, err := reader.ReadBytes('\n')
			if err != nil {
				break // the end, or a line that is not whole yet
			}
			var l line
			if json.Unmarshal(text, &l) == nil && l.Timestamp.After(since) {
				all = append(all, l)
			}
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].Timestamp.Before(all[j].Timestamp) })
	return all, nil
}

// root opens a run's directory so that no path leaves it, and answers when there
// is none.
func (s *Server) root(w http.ResponseWriter, r *http.Request) *os.Root {
	run, ok := s.store.run(r.PathValue("uuid"))
	if ok && run.Project == r.PathValue("project") {
		if err := os.MkdirAll(s.runDir(run.UUID), 0o700); err != nil {
			s.broken(w, err)
			return nil
		}
		root, err := os.OpenRoot(s.runDir(run.UUID))
		if err == nil {
			return root
		}
	}
	http.Error(w, "Artifact not found: the run does not exist", http.StatusNotFound)
	return nil
}

// local cleans a path of a query: "." for the root.
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
	at := local(r.URL.Query().Get("path"))
	entries, err := fs.ReadDir(root.FS(), at)
	if err != nil {
		reply(w, http.StatusOK, map[string]any{"files": files, "dirs": dirs, "error": "Path does not exist: " + at})
		return
	}
	for _, entry := range entries {
		info, err := root.Stat(path.Join(at, entry.Name()))
		switch {
		case err != nil:
		case info.IsDir():
			dirs = append(dirs, entry.Name())
		case info.Mode().IsRegular():
			files[entry.Name()] = info.Size()
		}
	}
	reply(w, http.StatusOK, map[string]any{"files": files, "dirs": dirs})
}

func (s *Server) artifact(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("path")
	if name == "" {
		http.Error(w, "A `path` query param is required to stream a file content", http.StatusBadRequest)
		return
	}
	root := s.root(w, r)
	if root == nil {
		return
	}
	defer root.Close()
	file, err := root.Open(local(name))
	if err != nil {
		http.Error(w, "Artifact not found: "+name, http.StatusNotFound)
		return
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		http.Error(w, "Artifact is no file: "+name, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", "inline; filename="+strconv.Quote(path.Base(name)))
	http.ServeContent(w, r, "", time.Time{}, file)
}

// archive answers a directory as tar.gz.
func (s *Server) archive(w http.ResponseWriter, r *http.Request) {
	root := s.root(w, r)
	if root == nil {
		return
	}
	defer root.Close()
	at := local(r.URL.Query().Get("path"))
	if info, err := root.Stat(at); err != nil || !info.IsDir() {
		if err == nil && r.URL.Query().Get("check_path") == "true" {
			s.artifact(w, r)
			return
		}
		http.Error(w, "Artifact not found: "+at, http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/gzip")
	zip := gzip.NewWriter(w)
	packed := tar.NewWriter(zip)
	err := fs.WalkDir(root.FS(), at, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		file, err := root.Open(name)
		if err != nil {
			return err
		}
		defer file.Close()
		info, err := file.Stat()
		if err != nil {
			return err
		}
		relative := strings.TrimPrefix(strings.TrimPrefix(name, at), "/")
		if err := packed.WriteHeader(&tar.Header{Name: relative, Mode: 0o644, Size: info.Size(), ModTime: info.ModTime()}); err != nil {
			return err
		}
		_, err = io.Copy(packed, io.LimitReader(file, info.Size()))
		return err
	})
	if err = errors.Join(err, packed.Close(), zip.Close()); err != nil {
		panic(http.ErrAbortHandler) // half an archive must not look whole
	}
}

// upload stores a file, or unpacks a tar.gz, as servers do by the field json.
func (s *Server) upload(w http.ResponseWriter, r *http.Request) {
	root := s.root(w, r)
	if root == nil {
		return
	}
	defer root.Close()
	options := struct {
		Untar     *bool  `json:"untar"`
		Overwrite *bool  `json:"overwrite"`
		Path      string `json:"path"`
	}{}
	if err := json.Unmarshal([]byte(r.FormValue("json")), &options); err != nil && r.FormValue("json") != "" {
		http.Error(w, "the field json is no JSON", http.StatusBadRequest)
		return
	}
	file, header, err := r.FormFile("upload_file")
	if err != nil {
		http.Error(w, "the field upload_file is missing", http.StatusBadRequest)
		return
	}
	defer file.Close()
	at := local(options.Path)
	if options.Untar == nil || *options.Untar {
		err = unpack(root, at, file)
	} else {
		err = write(root, path.Join(at, path.Base(header.Filename)), file, options.Overwrite == nil || *options.Overwrite)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusOK)
}

func write(root *os.Root, name string, content io.Reader, overwrite bool) error {
	if _, err := root.Stat(name); err == nil && !overwrite {
		return nil
	}
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
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if header.Typeflag == tar.TypeReg {
			if err := write(root, path.Join(at, local(header.Name)), packed, true); err != nil {
				return err
			}
		}
	}
}

func (s *Server) removeArtifact(w http.ResponseWriter, r *http.Request) {
	root := s.root(w, r)
	if root == nil {
		return
	}
	defer root.Close()
	at := local(r.URL.Query().Get("path"))
	if _, err := root.Stat(at); err != nil || at == "." {
		http.Error(w, "Artifact not found", http.StatusBadRequest)
		return
	}
	if err := root.RemoveAll(at); err != nil {
		s.broken(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
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
	root := s.root(w, r)
	if root == nil {
		return
	}
	defer root.Close()
	data := []any{}
	for _, name := range strings.Split(query.Get("names"), ",") {
		if name == "" {
			continue
		}
		text, err := fs.ReadFile(root.FS(), path.Join("events", kind, local(name)+".plx"))
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
