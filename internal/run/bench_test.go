package run_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/logline"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// million is the number of lines of the benchmark's run.
const million = 1_000_000

// follower is an environment variable. If it is the URL of a server, the test binary only
// follows the run of that server.
const follower = "SLIPWAY_TEST_FOLLOW"

func TestMain(m *testing.M) {
	if host := os.Getenv(follower); host != "" {
		if err := followLines(host); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// printer prints lines as the commands do.
type printer struct {
	recorder
	w     *bufio.Writer
	count int
}

func (p *printer) Line(l polyaxon.LogLine) {
	p.count++
	_, _ = p.w.WriteString(logline.Sanitize(l.Value))
	_ = p.w.WriteByte('\n')
}

func followLines(host string) error {
	client, err := polyaxon.New(polyaxon.Options{Host: host})
	if err != nil {
		return err
	}
	masker := secret.NewMasker()
	masker.Add(secret.NewValue([]byte("correct horse battery staple")))
	sink := &printer{w: bufio.NewWriter(masker.Writer(io.Discard))}
	_, err = run.Follow(context.Background(), client, target(), run.FollowOptions{Logs: true}, sink)
	if err == nil && sink.count != million {
		err = fmt.Errorf("%d lines came", sink.count)
	}
	return err
}

// writeArchive writes an archive of a million lines, without keeping it in memory.
func writeArchive(w io.Writer) {
	out := bufio.NewWriterSize(w, 1<<16)
	_, _ = out.WriteString(`{"last_time":null,"last_file":null,"files":[],"logs":[`)
	var line []byte
	for i := range million {
		line = line[:0]
		if i > 0 {
			line = append(line, ',')
		}
		line = append(line, `{"timestamp":"`...)
		line = start.Add(time.Duration(i)*100*time.Microsecond).AppendFormat(line, "2006-01-02T15:04:05.000000+00:00")
		line = append(line, `","node":"n","pod":"plx-operation-`+uuid+`-0","container":"polyaxon-main","value":"epoch 1 loss 0.123456 lr 1e-4 step `...)
		line = append(strconv.AppendInt(line, int64(i), 10), `"}`...)
		_, _ = out.Write(line)
	}
	_, _ = out.WriteString("]}")
	_ = out.Flush()
}

// archiveOf serves a run that has ended, with a million lines in its archive.
func archiveOf(b *testing.B) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/logs") && !r.URL.Query().Has("last_time"):
			writeArchive(w)
		case strings.HasSuffix(r.URL.Path, "/logs"):
			_, _ = io.WriteString(w, `{"logs":[]}`)
		case strings.HasSuffix(r.URL.Path, "/artifacts/tree"):
			_, _ = io.WriteString(w, `{"files":{"a.jsonl":170000000},"dirs":[]}`)
		case strings.HasSuffix(r.URL.Path, "/statuses"):
			_, _ = io.WriteString(w, `{"status":"succeeded","status_conditions":[{"type":"running"},{"type":"succeeded"}]}`)
		default:
			_, _ = fmt.Fprintf(w, `{"uuid":%q,"status":"succeeded"}`, uuid)
		}
	}))
	b.Cleanup(server.Close)
	return server.URL
}

// BenchmarkRunLines follows a million lines, in a process whose memory is measured. It
// compares that with reading the response and discarding it.
func BenchmarkRunLines(b *testing.B) {
	host := archiveOf(b)
	testenv.Compare(b,
		testenv.Contender{Name: "the answer, read and thrown away", Run: func(t testing.TB) int64 {
			response, err := http.Get(host + "/streams/v1/ns/default/p/runs/" + uuid + "/logs")
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if _, err := io.Copy(io.Discard, response.Body); err != nil {
				t.Fatal(err)
			}
			return 0
		}},
		testenv.Contender{Name: "slipway, 1,000,000 lines", Run: func(t testing.TB) int64 {
			command := exec.Command(os.Args[0])
			command.Env = append(os.Environ(), follower+"="+host)
			if out, err := command.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			b.ReportMetric(million/command.ProcessState.UserTime().Seconds(), "lines/cpu-s")
			return testenv.Peak(command.ProcessState)
		}},
	)
}
