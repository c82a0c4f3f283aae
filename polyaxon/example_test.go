package components_test

import (
	"bytes"
	"fmt"

	components "github.com/slipway-ci/slipway/polyaxon"
)

func ExampleRead() {
	for _, name := range components.Names() {
		text, err := components.Read(name)
		if err != nil {
			fmt.Println(err)
		}
		if bytes.Contains(text, []byte("kind: service")) {
			fmt.Println(name)
		}
	}
	// Output:
	// jupyter
	// mlflow
	// rest-api
	// streamlit
	// tensorboard
	// vscode
}
