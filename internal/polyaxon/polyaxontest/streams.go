package polyaxontest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
)

// manyLines is more than the number of lines that 1.11.3 keeps in one file of an archive.
const manyLines = 120

// logs reads live lines and archives.
func (s *suite) logs(t *testing.T) {
	var args, want []string
	for i := range manyLines {
		want = append(want, fmt.Sprintf("line %03d", i))
		args = append(args, "print="+want[i])
	}
	ended := s.create(t, polyaxon.CreateRun{Content: s.operation(nil, args...)})
	if seen := s.follow(t, ended.UUID, polyaxon.Succeeded); !slices.Equal(seen.lines, want) {
		t.Errorf("%d lines came of %d: %q", len(seen.lines), len(want), seen.lines)
	}
	// A run that goes on has live lines, and later the same lines in the archive.
	long := s.create(t, polyaxon.CreateRun{Content: s.operation(nil, "print=  indented", "print=::notice::x", "sleep=60")})
	query := polyaxon.LogQuery{Namespace: s.Namespace, Project: project, UUID: long.UUID, Kind: "job", Live: true, LastTime: time.Unix(0, 0)}
	values := func(lines []polyaxon.LogLine) []string {
		var all []string
		for _, l := range lines {
			all = append(all, l.Value)
		}
		return all
	}
	want = []string{"  indented", "::notice::x"}
	s.until(t, "the lines of an active run are returned", func() bool {
		page, err := s.Client.Logs(s.ctx, query)
		must(t, err)
		return slices.Equal(values(page.Lines), want) && !page.LastTime.IsZero()
	})
	must(t, s.Client.Stop(s.ctx, project, long.UUID))
	seen := s.follow(t, long.UUID, polyaxon.Stopped)
	if len(seen.lines) > 2 && seen.lines[2] == "asked to end" {
		seen.lines = seen.lines[:2]
	}
	if !slices.Equal(seen.lines, want) {
		t.Errorf("the archive has %q", seen.lines)
	}
	// A run that does not exist has no lines, and requesting them is not an error.
	page, err := s.Client.Logs(s.ctx, polyaxon.LogQuery{Namespace: s.Namespace, Project: project, UUID: strings.Repeat("0", 32)})
	if err != nil || len(page.Lines) > 0 {
		t.Errorf("a run that does not exist: %v, %v", page, err)
	}
}

// files uploads, downloads, lists and deletes files of a run.
func (s *suite) files(t *testing.T) {
	of := s.submit(t, "t-a4", "print=files").Run.UUID
	s.follow(t, of, polyaxon.Succeeded)
	weights := s.artifact(of, "outputs/model/weights.bin")
	must(t, s.Client.Upload(s.ctx, weights, []byte("too early")))
	must(t, s.Client.Upload(s.ctx, weights, []byte("weights")))
	must(t, s.Client.Upload(s.ctx, s.artifact(of, "at top.txt"), []byte("top")))
	if got := s.read(t, weights); got != "weights" {
		t.Errorf("downloaded %q", got)
	}
	if got := s.read(t, s.artifact(of, "at top.txt")); got != "top" {
		t.Errorf("downloaded %q", got)
	}
	files, _, err := s.Client.Tree(s.ctx, s.artifact(of, "outputs/model"))
	must(t, err)
	if len(files) != 1 || files["weights.bin"] != 7 {
		t.Errorf("the tree has %v", files)
	}
	if _, directories, err := s.Client.Tree(s.ctx, s.artifact(of, "")); err != nil || !slices.Contains(directories, "outputs") {
		t.Errorf("the root has %v, %v", directories, err)
	}
	for _, missing := range []string{"outputs/nothing", "nowhere/at/all"} {
		if _, err := s.Client.Artifact(s.ctx, s.artifact(of, missing)); !polyaxon.IsNotFound(err) {
			t.Errorf("a file that does not exist: %v", err)
		}
		if _, _, err := s.Client.Tree(s.ctx, s.artifact(of, missing)); !polyaxon.IsNotFound(err) {
			t.Errorf("a directory that does not exist: %v", err)
		}
	}
	if files, _, _ := s.Client.Tree(s.ctx, s.artifact(of, "../..")); len(files) > 0 && files["at top.txt"] == 0 {
		t.Errorf("a path that leaves the run is answered: %v", files)
	}
	must(t, s.Client.DeleteArtifact(s.ctx, weights))
	must(t, s.Client.DeleteArtifact(s.ctx, weights)) // deleting it again is not an error
	if _, err := s.Client.Artifact(s.ctx, weights); !polyaxon.IsNotFound(err) {
		t.Errorf("a file that was deleted: %v", err)
	}
	if err := s.Client.DeleteArtifact(s.ctx, s.artifact(of, "")); err == nil {
		t.Error("all that the run has was deleted")
	}
}

// read returns the content of a file.
func (s *suite) read(t *testing.T, a polyaxon.Artifact) string {
	t.Helper()
	body, err := s.Client.Artifact(s.ctx, a)
	must(t, err)
	text, err := io.ReadAll(body)
	must(t, errors.Join(err, body.Close()))
	return string(text)
}

// directories uploads and downloads whole directories.
func (s *suite) directories(t *testing.T) {
	of := s.create(t, polyaxon.CreateRun{Content: s.operation(nil, "print=x")}).UUID
	s.follow(t, of, polyaxon.Succeeded)
	must(t, s.Client.Upload(s.ctx, s.artifact(of, "outputs/kept.txt"), []byte("kept")))
	must(t, s.Client.UploadArchive(s.ctx, s.artifact(of, "code"), pack(t, map[string]string{"a.py": "a", "lib/b.py": "bb"})))
	if err := s.Client.UploadArchive(s.ctx, s.artifact(of, "."), pack(t, map[string]string{"a": ""})); err == nil {
		t.Error("an archive was put in place of all that the run has")
	}
	if got := s.read(t, s.artifact(of, "code/lib/b.py")) + s.read(t, s.artifact(of, "outputs/kept.txt")); got != "bbkept" {
		t.Errorf("unpacked %q", got)
	}
	body, err := s.Client.Directory(s.ctx, s.artifact(of, "code"))
	must(t, err)
	defer body.Close()
	zip, err := gzip.NewReader(body)
	must(t, err)
	var names []string
	for packed := tar.NewReader(zip); ; {
		header, err := packed.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		must(t, err)
		if header.Typeflag == tar.TypeReg {
			names = append(names, path.Base(header.Name))
		}
	}
	slices.Sort(names)
	if !slices.Equal(names, []string{"a.py", "b.py"}) {
		t.Errorf("the archive has %q", names)
	}
	if _, err := s.Client.Directory(s.ctx, s.artifact(of, "nowhere")); err == nil {
		t.Error("a directory that does not exist was downloaded")
	}
}

// pack returns a tar.gz of files.
func pack(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	archive := tar.NewWriter(zip)
	for name, text := range files {
		must(t, archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}))
		_, err := archive.Write([]byte(text))
		must(t, err)
	}
	must(t, errors.Join(archive.Close(), zip.Close()))
	return packed.Bytes()
}

// tracked reads a run's metrics, outputs and lineage.
func (s *suite) tracked(t *testing.T) {
	of := s.create(t, polyaxon.CreateRun{Content: s.operation(nil, "print=x"), Name: "tracked"}).UUID
	s.follow(t, of, polyaxon.Succeeded)
	for name, values := range map[string]string{"loss": "0.5 nan 0.25", "val/f1": "1 2 3"} {
		text := "step|timestamp|metric"
		for i, value := range strings.Fields(values) {
			text += fmt.Sprintf("\n%d|2026-11-23 20:00:0%d+00:00|%s", i, i, value)
		}
		must(t, s.Client.Upload(s.ctx, s.artifact(of, "events/metric/"+name+".plx"), []byte(text)))
	}
	must(t, s.Client.Upload(s.ctx, s.artifact(of, "events/metric/stepless.plx"), []byte("step|timestamp|metric\n|2026-11-23 20:00:00+00:00|0.75")))
	must(t, s.Client.Upload(s.ctx, s.artifact(of, "outputs/model.bin"), []byte("x")))
	outcome, err := run.Summarize(s.ctx, s.Client, s.target(of), nil)
	must(t, err)
	if outcome.Metrics["loss"] != 0.25 || outcome.Metrics["val/f1"] != 3 || outcome.Metrics["stepless"] != 0.75 || !slices.Contains(outcome.Outputs, "model.bin") {
		t.Errorf("metrics %v, outputs %v", outcome.Metrics, outcome.Outputs)
	}
	series, err := s.Client.Metrics(s.ctx, s.artifact(of, ""), []string{"loss", "unknown"})
	must(t, err)
	if loss := series["loss"]; len(series) != 1 || !slices.Equal(loss.Values, []float64{0.5, 0.25}) || !slices.Equal(loss.Steps, []int64{0, 2}) || loss.Times[1].Second() != 2 {
		t.Errorf("the series %+v", series)
	}
	must(t, s.Client.Patch(s.ctx, project, of, polyaxon.Patch{Outputs: map[string]any{"best": "yes"}, Description: "as text", Tags: []string{"t"}}))
	must(t, s.Client.Patch(s.ctx, project, of, polyaxon.Patch{Outputs: map[string]any{"epochs": 3}}))
	must(t, s.Client.AddLineage(s.ctx, project, of, []polyaxon.Lineage{{Name: "model", Kind: "model", Path: "outputs/model.bin"}, {Name: "data", Kind: "dir", IsInput: true, Summary: map[string]any{"rows": 2}}}))
	lineage, err := s.Client.Lineage(s.ctx, project, of)
	must(t, err)
	told, err := s.Client.Run(s.ctx, project, of)
	must(t, err)
	if told.Outputs["best"] != "yes" || told.Outputs["epochs"] != 3.0 || told.Description != "as text" || !slices.Equal(told.Tags, []string{"t"}) || told.Status != polyaxon.Succeeded || told.Name != "tracked" {
		t.Errorf("the run is returned as %+v", told)
	}
	if len(lineage) != 2 || !slices.ContainsFunc(lineage, func(l polyaxon.Lineage) bool { return l.Name == "data" && l.IsInput && l.Summary["rows"] == 2.0 }) {
		t.Errorf("lineage %+v", lineage)
	}
}
