// Command pod is the only program in the image that the pods of tests run. It executes its
// arguments in their order:
//
//	print=TEXT    print TEXT
//	lines=N       print "line 0" to "line N-1"
//	steady=N,TIME print N lines as above, one per TIME
//	bar=N         print a progress bar of N steps, each after a carriage return
//	sleep=TIME    wait, such as 100ms
//	memory=MIB    use memory
//	write=FILE,N  write N MiB to a file
//	has=FILE,TEXT exit with 1 unless TEXT is what a file has
//	serve=PORT    answer HTTP requests on a port with "hello from NAME" until a signal; as a
//	              registry it answers 403 below /v2/private/, 401 below /v2/keyed/ to who is not
//	              the user _json_key, and 404 elsewhere below /v2/; it answers /bytes/N with N
//	              bytes, and exits with 1 for /exit
//	once=DIR,CODE exit with CODE if DIR has no mark, and do nothing the next time
//	exit=CODE     exit with CODE
//	pause         wait for a signal, as the first container of a pod does
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	kept := [][]byte{}
	for _, arg := range os.Args[1:] {
		verb, value, _ := strings.Cut(arg, "=")
		switch verb {
		case "print":
			fmt.Println(value)
		case "lines":
			out := bufio.NewWriter(os.Stdout)
			for i := range number(value) {
				fmt.Fprintln(out, "line", i)
			}
			_ = out.Flush()
		case "steady":
			lines, gap, _ := strings.Cut(value, ",")
			steady(number(lines), gap)
		case "bar":
			for i := range number(value) {
				fmt.Printf("\r%3d of %s %s", i+1, value, strings.Repeat("#", 90))
			}
		case "write":
			file, size, _ := strings.Cut(value, ",")
			fill(file, number(size))
		case "has":
			file, want, _ := strings.Cut(value, ",")
			if text, err := os.ReadFile(file); string(text) != want {
				fmt.Printf("%s has %q, %v\n", file, text, err)
				os.Exit(1)
			}
		case "serve":
			serve(value)
		case "sleep":
			d, _ := time.ParseDuration(value)
			time.Sleep(d)
		case "memory":
			for range number(value) {
				block := make([]byte, 1<<20)
				for i := 0; i < len(block); i += 4096 {
					block[i] = 1
				}
				kept = append(kept, block)
			}
		case "once":
			dir, code, _ := strings.Cut(value, ",")
			mark := filepath.Join(dir, "once")
			if _, err := os.Stat(mark); err != nil {
				_ = os.WriteFile(mark, nil, 0o600)
				os.Exit(number(code))
			}
		case "exit":
			os.Exit(number(value))
		case "pause":
			stop := make(chan os.Signal, 1)
			signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
			<-stop
			return
		}
	}
	fmt.Fprint(os.Stderr, strings.Repeat("", len(kept)))
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	return n
}

// steady prints n lines, one per gap. It keeps to the clock: after a delay it prints
// several at once.
func steady(n int, gap string) {
	d, _ := time.ParseDuration(gap)
	began := time.Now()
	for i := range n {
		if early := time.Until(began.Add(time.Duration(i) * d)); early > 0 {
			time.Sleep(early)
		}
		fmt.Println("line", i)
	}
}

func fill(file string, size int) {
	out, err := os.Create(file)
	for block := make([]byte, 1<<20); err == nil && size > 0; size-- {
		_, err = out.Write(block)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// user returns the name in a request's credentials.
func user(r *http.Request) string {
	name, _, _ := r.BasicAuth()
	return name
}

func serve(port string) {
	name, _ := os.Hostname()
	server := &http.Server{Addr: ":" + port, ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/v2/private/"):
			w.WriteHeader(http.StatusForbidden)
		case strings.HasPrefix(r.URL.Path, "/v2/keyed/") && user(r) != "_json_key":
			w.Header().Set("WWW-Authenticate", `Basic realm="keyed"`)
			w.WriteHeader(http.StatusUnauthorized)
		case strings.HasPrefix(r.URL.Path, "/v2/"):
			w.WriteHeader(http.StatusNotFound)
		case strings.HasPrefix(r.URL.Path, "/bytes/"):
			send(w, number(strings.TrimPrefix(r.URL.Path, "/bytes/")))
		case r.URL.Path == "/exit":
			os.Exit(1)
		default:
			fmt.Fprintln(w, "hello from", name)
		}
	})}
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	go func() { <-stop.Done(); _ = server.Close() }()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		fmt.Println(err)
		os.Exit(1)
	}
}

// send writes n bytes.
func send(w http.ResponseWriter, n int) {
	w.Header().Set("Content-Length", strconv.Itoa(n))
	for block := make([]byte, 64<<10); n > 0; n -= len(block) {
		block = block[:min(n, len(block))]
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}
