package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// terminal returns both ends of a pseudoterminal of 100 columns.
func terminal(t *testing.T) (keyboard, tty *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = keyboard.Close() })
	number, err := unix.IoctlGetInt(int(keyboard.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(keyboard.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	if tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 100}); err != nil {
		t.Fatal(err)
	}
	// Without NOFLSH, Ctrl-C discards output that has not been read yet.
	settings, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	settings.Lflag |= unix.NOFLSH
	if err := unix.IoctlSetTermios(int(tty.Fd()), unix.TCSETS, settings); err != nil {
		t.Fatal(err)
	}
	return keyboard, tty
}

var control = regexp.MustCompile(`^\x1b\[(\d*)([A-Za-z])`)

// screen returns what a terminal finally shows for an output, without colours.
func screen(output string) string {
	rows, row, column := [][]rune{nil}, 0, 0
	for output != "" {
		if found := control.FindStringSubmatch(output); found != nil {
			output = output[len(found[0]):]
			switch found[2] {
			case "A":
				n, _ := strconv.Atoi(found[1])
				row = max(0, row-n)
			case "J":
				rows = rows[:row+1]
				rows[row] = rows[row][:min(column, len(rows[row]))]
			}
			continue
		}
		r := []rune(output)[0]
		output = output[len(string(r)):]
		switch r {
		case '\r':
			column = 0
		case '\n':
			if row++; row == len(rows) {
				rows = append(rows, nil)
			}
		default:
			for len(rows[row]) <= column {
				rows[row] = append(rows[row], ' ')
			}
			rows[row][column] = r
			column++
		}
	}
	var b strings.Builder
	for _, r := range rows {
		b.WriteString(string(r) + "\n")
	}
	return b.String()
}

// TestCtrlC presses Ctrl-C on a terminal, once, and twice while the server does not
// answer. The live lines disappear from the screen, and what became of the run is
// printed.
func TestCtrlC(t *testing.T) {
	s := newStage(t, sandboxServer(t))
	s.ends.Store(polyaxon.Status(""))
	for presses, want := range map[int][]string{
		1: {"run      prepare  stopped", "prepare: submitted, stopped, run ", "slipway: interrupted: run "},
		2: {"✓ submit   prepare  run "},
	} {
		t.Run(strconv.Itoa(presses), func(t *testing.T) {
			s.faults.Quiet() // wait until the requests of the process before are answered
			keyboard, tty := terminal(t)
			command := s.command(s.project())
			command.Env = append(command.Env, "TERM=xterm", "GITHUB_ACTIONS=")
			command.Stdin, command.Stdout, command.Stderr = tty, tty, tty
			command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
			press := func() { _, _ = keyboard.WriteString("\x03") }
			started, ended := make(chan struct{}), make(chan struct{})
			var first, second sync.Once
			end := s.during(func(_ int, r *http.Request, answered bool) {
				<-started
				switch {
				case presses == 2 && strings.HasSuffix(r.URL.Path, "/stop") && !answered:
					second.Do(press)
					<-ended
				case statusesOf.MatchString(r.URL.Path) && answered:
					first.Do(press)
				}
			})
			defer end()
			var output bytes.Buffer
			read := make(chan struct{})
			go func() {
				defer close(read)
				_, _ = output.ReadFrom(keyboard) // ends with EIO when the terminal is closed
			}()
			endsInterrupted(t, command, started, ended)
			_ = tty.Close()
			<-read
			shown := screen(output.String())
			if strings.Contains(shown, "◌") || strings.Count(output.String(), "^C") != presses {
				t.Errorf("the screen shows\n%s", shown)
			}
			for _, text := range want {
				if !strings.Contains(shown, text) {
					t.Errorf("%q is not on the screen\n%s", text, shown)
				}
			}
		})
	}
}
