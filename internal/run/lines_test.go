package run_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// lines returns n lines of a container, with gap between their times. Each ends with its
// number.
func lines(pod, container string, n int, gap time.Duration) []record {
	var all []record
	for i := range n {
		all = append(all, record{start.Add(time.Duration(i) * gap), pod, container, fmt.Sprintf("line %d", i)})
	}
	return all
}

func wanted(all []record, pod, container string) []string {
	var own []string
	for _, l := range all {
		if l.pod == pod && l.container == container {
			own = append(own, l.value)
		}
	}
	return own
}

// same fails the test at the first difference.
func same(t *testing.T, got, want []string) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("line %d of %d is %.60q, want %.60q (of %d)", i, len(got), got[i], want[i], len(want))
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d lines came, want %d", len(got), len(want))
	}
}

// grow has a script show more lines at each step, and end the run when all are shown. The
// archive is filled some steps later.
func grow(s *scriptedServer, c *clock, more func() int) {
	s.reach("running", "", "")
	late := 3
	c.step = func(int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		switch {
		case s.shown < len(s.printed):
			s.shown = min(len(s.printed), s.shown+more())
			if s.shown > 0 {
				c.now = s.printed[s.shown-1].at
			}
		case s.status == "running":
			s.reach("succeeded", "", "")
		case late > 0:
			late--
		default:
			s.archived = len(s.printed)
		}
	}
}

func TestEveryLineOnceAndInOrder(t *testing.T) {
	few := func() int { return 700 }
	for name, test := range map[string]struct {
		server *scriptedServer
		more   func() int
		note   bool
	}{
		"live, then archived":                          {&scriptedServer{printed: lines("a", "polyaxon-main", 5000, time.Millisecond)}, few, false},
		"2.18 with its last 6000":                      {&scriptedServer{printed: lines("a", "polyaxon-main", 15_000, time.Millisecond), cap: 6000}, few, false},
		"1.11.3 with its last 2000, and files":         {&scriptedServer{printed: lines("a", "polyaxon-main", 9000, time.Millisecond), cap: 2000, perFile: 500}, few, false},
		"more at once than 1.11.3 hands out":           {&scriptedServer{printed: lines("a", "polyaxon-main", 20_000, time.Millisecond), cap: 2000, perFile: 2000}, func() int { return 3000 }, true},
		"more at once than 2.18 hands out":             {&scriptedServer{printed: lines("a", "polyaxon-main", 20_000, time.Millisecond), cap: 6000}, func() int { return 9000 }, true},
		"all at once, of a server that hands out all":  {&scriptedServer{printed: lines("a", "polyaxon-main", 20_000, time.Millisecond)}, func() int { return 20_000 }, false},
		"all with one time":                            {&scriptedServer{printed: lines("a", "polyaxon-main", 3000, 0)}, few, false},
		"slower than the overlap":                      {&scriptedServer{printed: lines("a", "polyaxon-main", 50, time.Minute)}, func() int { return 1 }, false},
		"nothing is printed":                           {&scriptedServer{}, few, false},
		"only the archive has lines":                   {&scriptedServer{printed: lines("a", "polyaxon-main", 5000, time.Millisecond)}, func() int { return 5000 }, false},
		"several within a microsecond, in three words": {&scriptedServer{printed: lines("a", "polyaxon-main", 4000, 300*time.Nanosecond)}, few, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c := test.server, &clock{now: start}
			grow(s, c, test.more)
			sink, outcome, err := follow(t, s, c, run.FollowOptions{Logs: true})
			if err != nil || outcome.Run.Status != "succeeded" {
				t.Fatal(outcome, err)
			}
			want := wanted(s.printed, "a", "polyaxon-main")
			same(t, sink.of("a", "polyaxon-main"), want)
			if !slices.Equal(outcome.LastLines, want[max(0, len(want)-20):]) {
				t.Errorf("the last lines are %q", outcome.LastLines)
			}
			if told := len(sink.notes) > 0; told != test.note || len(sink.notes) > 1 {
				t.Errorf("the notes are %q", sink.notes)
			}
		})
	}
}

// TestRandomLines has several containers print at random, with all kinds of differences
// between responses, some of which are truncated.
func TestRandomLines(t *testing.T) {
	seeds := uint64(12)
	if testenv.Thorough() {
		seeds = 60
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 7)) //nolint:gosec // only a test
			s, c := &scriptedServer{cap: []int{0, 2000, 6000}[random.IntN(3)], perFile: []int{0, 300}[random.IntN(2)]}, &clock{now: start}
			skew := []time.Duration{0, -40 * time.Second, 3 * time.Millisecond}
			at := start
			for i := range 500 + random.IntN(6000) {
				at = at.Add(time.Duration(random.IntN(4_000_000)))
				replica := random.IntN(3)
				if i < 300 {
					replica = 0
				}
				l := record{at.Add(skew[replica]).Add(-time.Duration(random.IntN(3000))), fmt.Sprintf("pod-%d", replica), "polyaxon-main", ""}
				switch random.IntN(6) {
				case 0:
					l.value = "the same again"
				case 1:
					l.value = "blanks at the end" + strings.Repeat(" ", random.IntN(3))
				default:
					l.value = fmt.Sprintf("line %d", i)
				}
				s.printed = append(s.printed, l)
			}
			grow(s, c, func() int { return random.IntN(900) })
			faults := rand.New(rand.NewPCG(seed, 8)) //nolint:gosec // only a test
			s.cut = func() bool { return faults.IntN(5) == 0 }
			sink, _, err := follow(t, s, c, run.FollowOptions{Logs: true, Patience: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			for _, pod := range []string{"pod-0", "pod-1", "pod-2"} {
				got, want := sink.of(pod, "polyaxon-main"), wanted(s.printed, pod, "polyaxon-main")
				// Lines whose times changed places may come in either order, since the archive is
				// sorted by time. None may be lost or repeated.
				for i := range want {
					want[i] = strings.TrimRight(want[i], " ")
				}
				slices.Sort(want)
				sorted := slices.Sorted(slices.Values(got))
				same(t, sorted, want)
				last := -1
				for _, line := range got {
					if n, err := strconv.Atoi(strings.TrimPrefix(line, "line ")); err == nil {
						if n < last-3 {
							t.Fatalf("line %d comes after line %d", n, last)
						}
						last = max(last, n)
					}
				}
			}
		})
	}
}

func TestNumbersAndBlanks(t *testing.T) {
	s, c := &scriptedServer{}, &clock{now: start}
	for i, value := range []string{"007", "", "1e3", "  ", "-0.50", "12345678901234567890123", "", "+1"} {
		s.printed = append(s.printed, record{start.Add(time.Duration(i) * time.Second), "a", "polyaxon-main", value})
	}
	grow(s, c, func() int { return 3 })
	sink, _, err := follow(t, s, c, run.FollowOptions{Logs: true})
	if err != nil {
		t.Fatal(err)
	}
	same(t, sink.of("a", "polyaxon-main"), []string{"007", "", "1e3", "", "-0.50", "12345678901234567890123", "", "+1"})
}

func TestRestartsAndRotation(t *testing.T) {
	for name, lost := range map[string]int{"nothing was printed between": 0, "the last look came too early": 300} {
		t.Run(name, func(t *testing.T) {
			s, c := &scriptedServer{cap: 2000, restarted: map[string]int{}}, &clock{now: start}
			s.printed = lines("a", "polyaxon-main", 6000, time.Millisecond)
			grow(s, c, func() int { return 500 })
			step := c.step
			c.step = func(n int) {
				step(n)
				if s.mu.Lock(); s.shown == 2500 { // its log starts over
					s.restarted["a/polyaxon-main"] = 2000 + lost
				}
				s.mu.Unlock()
			}
			sink, _, err := follow(t, s, c, run.FollowOptions{Logs: true})
			if err != nil {
				t.Fatal(err)
			}
			want := wanted(s.printed, "a", "polyaxon-main")
			same(t, sink.of("a", "polyaxon-main"), append(want[:2000:2000], want[2000+lost:]...))
			if told := strings.Contains(strings.Join(sink.notes, "\n"), "300 lines of polyaxon-main were not shown"); told != (lost > 0) {
				t.Errorf("the notes are %q", sink.notes)
			}
		})
	}
}

func TestContainers(t *testing.T) {
	s := &scriptedServer{printed: append(lines("a", "polyaxon-main", 20, time.Second), lines("a", "polyaxon-sidecar", 20, time.Second)...)}
	for _, all := range []bool{false, true} {
		s.status, s.conditions, s.shown, s.archived = "", nil, 0, 0
		c := &clock{now: start}
		grow(s, c, func() int { return 9 })
		sink, _, err := follow(t, s, c, run.FollowOptions{Logs: true, AllContainers: all})
		if err != nil {
			t.Fatal(err)
		}
		same(t, sink.of("a", "polyaxon-main"), wanted(s.printed, "a", "polyaxon-main"))
		if got := len(sink.of("a", "polyaxon-sidecar")); got != map[bool]int{false: 0, true: 20}[all] {
			t.Errorf("%d lines of the sidecar came", got)
		}
	}
}

func TestLongLines(t *testing.T) {
	long := strings.Repeat("ä", 1<<19) + "x" // 1 MiB and a byte
	early := start.Add(-time.Minute)         // so that not every request for the last 10 s returns it
	size := 6 << 20
	if testenv.Thorough() {
		size = 30 << 20
	}
	s, c := &scriptedServer{printed: []record{{early, "a", "polyaxon-main", strings.Repeat("y", size)}, {start, "a", "polyaxon-main", long}}}, &clock{now: start}
	grow(s, c, func() int { return 2 })
	sink, outcome, err := follow(t, s, c, run.FollowOptions{Logs: true})
	if err != nil {
		t.Fatal(err)
	}
	got := sink.of("a", "polyaxon-main")
	if len(got) != 2 || len(got[0]) > 1<<20+100 || !strings.HasSuffix(got[0], fmt.Sprintf("[slipway: line truncated, %d more bytes]", size-1<<20)) ||
		!strings.HasSuffix(got[1], "ä [slipway: line truncated, 1 more bytes]") {
		t.Errorf("%d lines came; the last lines are %.100q", len(got), outcome.LastLines)
	}
	for n, line := range outcome.LastLines { // a result keeps them for each run of a matrix
		if len(line) > 16<<10+100 || !strings.HasSuffix(line, " more bytes]") {
			t.Errorf("the last line %d has %d bytes and ends with %q", n, len(line), line[len(line)-40:])
		}
	}
}

func TestHundredThousandLinesInFiles(t *testing.T) {
	s, c := &scriptedServer{printed: lines("a", "polyaxon-main", 100_000, 100*time.Microsecond), perFile: 2000, cap: 2000, status: ""}, &clock{now: start}
	s.reach("running", "", "")
	s.reach("succeeded", "", "")
	s.shown, s.archived = len(s.printed), len(s.printed)
	faults := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // only a test
	s.cut = func() bool { return faults.IntN(4) == 0 }
	sink, _, err := follow(t, s, c, run.FollowOptions{Logs: true, Patience: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	same(t, sink.of("a", "polyaxon-main"), wanted(s.printed, "a", "polyaxon-main"))
}
