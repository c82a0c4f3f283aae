// Command stub replaces, in tests, the programs that the components start. It prints
// how it was started. As python it then exits; under any other name it is a server on the
// port that its arguments name.
package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

var portArgument = regexp.MustCompile(`^--(?:server\.)?port=(\d+)$|^--bind-addr=0\.0\.0\.0:(\d+)$`)

func main() {
	name := filepath.Base(os.Args[0])
	fmt.Println("started", name, strings.Join(os.Args[1:], " "))
	for _, variable := range []string{"INPUT_DATA_DIR", "OUTPUT_DATA_DIR", "OUTPUT_DIR", "MODEL_PATH", "TRIALS", "LEARNING_RATE", "BATCH_SIZE", "MLFLOW_SERVER_ALLOWED_HOSTS"} {
		if value, ok := os.LookupEnv(variable); ok {
			fmt.Printf("%s=%s\n", variable, value)
		}
	}
	if name == "python" {
		return
	}
	for _, argument := range os.Args[1:] {
		if m := portArgument.FindStringSubmatch(argument); m != nil {
			fmt.Println(http.ListenAndServe(":"+m[1]+m[2], http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "here is", name) })))
			break
		}
	}
	os.Exit(1)
}
