// Command job is the job that the stories run. It does what its arguments say, in order.
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	if prefix := os.Getenv("SHOW"); prefix != "" {
		show(prefix)
		return
	}
	for _, arg := range os.Args[1:] {
		verb, value, _ := strings.Cut(arg, "=")
		switch verb {
		case "print":
			fmt.Println(value)
		case "lines":
			count, err := strconv.Atoi(value)
			check(err)
			for i := range count {
				fmt.Println("line", i)
			}
		case "env":
			fmt.Println(value, "is", os.Getenv(value))
		case "cat":
			text, err := os.ReadFile(value)
			check(err)
			fmt.Printf("%s holds %d bytes\n", value, len(text))
		case "write":
			path, text, _ := strings.Cut(value, ":")
			check(os.MkdirAll(filepath.Dir(path), 0o755))
			check(os.WriteFile(path, []byte(text), 0o644))
		case "link":
			path, target, _ := strings.Cut(value, ":")
			check(os.MkdirAll(filepath.Dir(path), 0o755))
			_ = os.Remove(path)
			check(os.Symlink(target, path))
		case "metric":
			path, number, _ := strings.Cut(value, ":")
			check(os.MkdirAll(filepath.Dir(path), 0o755))
			check(os.WriteFile(path, []byte("step|timestamp|metric\n0|"+time.Now().UTC().Format("2006-01-02 15:04:05+00:00")+"|"+number+"\n"), 0o644))
		case "sleep":
			seconds, err := strconv.Atoi(value)
			check(err)
			wait(time.Duration(seconds) * time.Second)
		case "await": // a file, for at most a minute
			for range 600 {
				if _, err := os.Stat(value); err == nil {
					break
				}
				wait(100 * time.Millisecond)
			}
		case "host", "run": // where to send outputs, unless Polyaxon has set it
			name := map[string]string{"host": "POLYAXON_HOST", "run": "POLYAXON_RUN_INSTANCE"}[verb]
			if os.Getenv(name) == "" {
				check(os.Setenv(name, value))
			}
		case "output":
			name, text, _ := strings.Cut(value, ":")
			check(output(name, text))
		case "serve":
			check(http.ListenAndServe(":"+value, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Path", r.URL.Path)
				fmt.Fprintln(w, "hello from the job")
				if of := os.Getenv("MODEL_RUN"); of != "" {
					model, err := os.ReadFile(os.Getenv("MODEL_PATH") + "/model.txt")
					fmt.Fprintf(w, "model of run %s: %s %v\n", of, model, err)
				}
			})))
		case "track": // ask MLflow as its client does, and print what it answers
			check(track(value))
		case "exit":
			code, err := strconv.Atoi(value)
			check(err)
			os.Exit(code)
		default:
			fmt.Println("unknown verb", verb)
			os.Exit(2)
		}
	}
}

// show prints the arguments of the program, and the environment variables that begin with
// prefix.
func show(prefix string) {
	environ := slices.DeleteFunc(os.Environ(), func(variable string) bool { return !strings.HasPrefix(variable, prefix) })
	slices.Sort(environ)
	for _, given := range [][]string{os.Args[1:], environ} {
		check(json.NewEncoder(os.Stdout).Encode(given))
	}
}

// track sends a request to the tracking server of the environment, as MLflow's client does.
func track(path string) error {
	request, err := http.NewRequest(http.MethodGet, os.Getenv("MLFLOW_TRACKING_URI")+path, nil)
	if err != nil {
		return err
	}
	if token := os.Getenv("MLFLOW_TRACKING_TOKEN"); token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	fmt.Println("MLflow answers", response.StatusCode)
	return nil
}

// output sends an output of this run to Polyaxon, as Polyaxon's tracking client does.
func output(name, text string) error {
	parts := strings.Split(os.Getenv("POLYAXON_RUN_INSTANCE"), ".") // owner, project, runs, uuid
	if len(parts) != 4 {
		return fmt.Errorf("POLYAXON_RUN_INSTANCE is %q", os.Getenv("POLYAXON_RUN_INSTANCE"))
	}
	if _, err := strconv.ParseFloat(text, 64); err != nil {
		text = strconv.Quote(text)
	}
	url := fmt.Sprintf("%s/api/v1/%s/%s/runs/%s", os.Getenv("POLYAXON_HOST"), parts[0], parts[1], parts[3])
	request, err := http.NewRequest(http.MethodPatch, url, strings.NewReader(fmt.Sprintf(`{"outputs": {%q: %s}, "merge": true}`, name, text)))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if token := os.Getenv("POLYAXON_AUTH_TOKEN"); token != "" {
		request.Header.Set("Authorization", "Token "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("PATCH %s: %s", url, response.Status)
	}
	return nil
}

// wait waits for d. If a SIGTERM comes first, it prints that and exits, as a program that
// saves its work would.
func wait(d time.Duration) {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM)
	select {
	case <-asked:
		fmt.Println("asked to end")
		os.Exit(143)
	case <-time.After(d):
	}
}

func check(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
