package polyaxon

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/sandbox/jail"
)

// logDirectory is where clients see a run's logs among its artifacts. The logs are stored
// elsewhere, because the run's containers can write to its artifacts.
const logDirectory = "plxlogs"

// artifacts opens the directory of a run's artifacts. If there is no such run it responds
// and returns nil.
func (s *Server) artifacts(w http.ResponseWriter, r *http.Request) *jail.Dir {
	return s.open(w, r, func(_ *Server, run record) (string, error) { return s.executor.dir("artifacts", run.UUID), nil })
}

func (s *Server) open(w http.ResponseWriter, r *http.Request, where func(*Server, record) (string, error)) *jail.Dir {
	run, ok := s.runOf(r)
	if !ok {
		http.Error(w, "Artifact not found: the run does not exist", http.StatusNotFound)
		return nil
	}
	var dir *jail.Dir
	path, err := where(s, run)
	if err == nil {
		dir, err = jail.Make(path)
	}
	if err != nil {
		s.internalError(w, err)
		return nil
	}
	return dir
}

// at opens the directory that the query's path is in, of the run's artifacts or of its
// logs, and returns the path in it.
func (s *Server) at(w http.ResponseWriter, r *http.Request) (*jail.Dir, string) {
	name := jail.Local(r.URL.Query().Get("path"))
	if rest, ok := logPath(name); ok {
		return s.open(w, r, s.dialect.lines), rest
	}
	return s.artifacts(w, r), name
}

// logPath reports whether a path is in the log directory, and returns it relative to
// that.
func logPath(name string) (string, bool) {
	top, rest, _ := strings.Cut(name, "/")
	return jail.Local(rest), top == logDirectory
}

func (s *Server) tree(w http.ResponseWriter, r *http.Request) {
	dir, at := s.at(w, r)
	if dir == nil {
		return
	}
	defer dir.Close()
	name := jail.Local(r.URL.Query().Get("path"))
	files, directories, err := dir.List(at)
	if tooLarge := new(jail.LimitError); errors.As(err, &tooLarge) {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if err != nil {
		reply(w, http.StatusOK, map[string]any{"files": map[string]int64{}, "dirs": []string{}, "error": "Path does not exist: " + name})
		return
	}
	if name == "." {
		delete(files, logDirectory) // one that the run itself wrote
		directories = append(without(directories, logDirectory), logDirectory)
	}
	reply(w, http.StatusOK, map[string]any{"files": files, "dirs": directories})
}

func without(list []string, one string) []string {
	kept := []string{}
	for _, s := range list {
		if s != one {
			kept = append(kept, s)
		}
	}
	return kept
}

func (s *Server) artifact(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("path")
	if name == "" {
		http.Error(w, "A `path` query param is required to stream a file content", http.StatusBadRequest)
		return
	}
	dir, at := s.at(w, r)
	if dir == nil {
		return
	}
	defer dir.Close()
	file, _, err := dir.Open(at)
	switch {
	case errors.Is(err, jail.ErrNotRegular):
		http.Error(w, "Artifact is not a file: "+name, http.StatusInternalServerError)
		return
	case err != nil:
		http.Error(w, "Artifact not found: "+name, http.StatusNotFound)
		return
	}
	defer file.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", "inline; filename="+strconv.Quote(path.Base(name)))
	http.ServeContent(w, r, "", time.Time{}, file)
}

// archive responds with a directory as a tar.gz archive.
func (s *Server) archive(w http.ResponseWriter, r *http.Request) {
	dir, at := s.at(w, r)
	if dir == nil {
		return
	}
	defer dir.Close()
	name := jail.Local(r.URL.Query().Get("path"))
	if is, err := dir.IsDir(at); err != nil || !is {
		if err == nil && r.URL.Query().Get("check_path") == "true" {
			s.artifact(w, r)
			return
		}
		http.Error(w, "Artifact not found: "+name, http.StatusNotFound)
		return
	}
	var lines *jail.Dir
	if name == "." {
		if lines = s.open(w, r, s.dialect.lines); lines == nil {
			return
		}
		defer lines.Close()
	}
	called := r.PathValue("uuid")
	if name != "." {
		called = path.Base(name)
	}
	w.Header().Set("Content-Type", "application/gzip")
	w.Header().Set("Content-Disposition", "inline; filename="+strconv.Quote(called+".tar.gz")) // the name that the client unpacks
	zip := gzip.NewWriter(w)
	packed := tar.NewWriter(zip)
	above := ""
	if s.dialect.archiveHasDir {
		above = path.Base(name)
	}
	err := dir.Walk(at, func(file string, content *os.File, info fs.FileInfo) error {
		if _, hidden := logPath(file); hidden && name == "." {
			return nil
		}
		return pack(packed, path.Join(above, strings.TrimPrefix(strings.TrimPrefix(file, at), "/")), content, info)
	})
	if err == nil && lines != nil {
		err = lines.Walk(".", func(file string, content *os.File, info fs.FileInfo) error {
			return pack(packed, path.Join(logDirectory, file), content, info)
		})
	}
	if err = errors.Join(err, packed.Close(), zip.Close()); err != nil {
		fmt.Fprintf(s.options.Log, "run %s: its files cannot be sent: %v\n", r.PathValue("uuid"), err)
		panic(http.ErrAbortHandler) // a truncated archive must not look complete
	}
}

// pack adds a file, with the length that it had when it was opened.
func pack(packed *tar.Writer, name string, content io.Reader, info fs.FileInfo) error {
	if err := packed.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: info.Size(), ModTime: info.ModTime()}); err != nil {
		return err
	}
	_, err := io.CopyN(packed, content, info.Size())
	return err
}

// upload stores a file or unpacks a tar.gz archive, depending on the form field json, as
// real servers do.
func (s *Server) upload(w http.ResponseWriter, r *http.Request) {
	dir := s.artifacts(w, r)
	if dir == nil {
		return
	}
	defer dir.Close()
	options := struct {
		Untar     *bool  `json:"untar"`
		Overwrite *bool  `json:"overwrite"`
		Path      string `json:"path"`
	}{}
	if err := json.Unmarshal([]byte(r.FormValue("json")), &options); err != nil && r.FormValue("json") != "" {
		http.Error(w, "the field json is not valid JSON", http.StatusBadRequest)
		return
	}
	file, header, err := r.FormFile("upload_file")
	if err != nil {
		http.Error(w, "the field upload_file is missing", http.StatusBadRequest)
		return
	}
	defer file.Close()
	at := jail.Local(options.Path)
	if options.Untar == nil || *options.Untar {
		if at == "." {
			at = s.dialect.unpacked
		}
		err = unpack(dir, at, file)
	} else {
		err = dir.Write(path.Join(at, path.Base(header.Filename)), file, options.Overwrite == nil || *options.Overwrite)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusOK)
}

func unpack(dir *jail.Dir, at string, content io.Reader) error {
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
			if err := dir.Write(path.Join(at, jail.Local(header.Name)), packed, true); err != nil {
				return err
			}
		}
	}
}

func (s *Server) removeArtifact(w http.ResponseWriter, r *http.Request) {
	dir := s.artifacts(w, r)
	if dir == nil {
		return
	}
	defer dir.Close()
	at := jail.Local(r.URL.Query().Get("path"))
	if at == "." || dir.Remove(at) != nil {
		http.Error(w, "Artifact not found", http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
