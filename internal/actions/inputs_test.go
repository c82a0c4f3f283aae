package actions

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// TestReadInputs reads inputs as people write them in workflows.
func TestReadInputs(t *testing.T) {
	for name, test := range map[string]struct {
		inputs map[string]string
		want   string // arguments, then variables, with | between
	}{
		"a target":            {map[string]string{"TARGET": "deploy"}, "deploy|"},
		"two words":           {map[string]string{"TARGET": "secrets sync"}, "secrets|sync|"},
		"args on two lines":   {map[string]string{"TARGET": "deploy", "ARGS": "train --rerun\nevaluate\n"}, "deploy|train|--rerun|evaluate|"},
		"Windows' lines":      {map[string]string{"TARGET": "deploy", "ARGS": "train\r\nevaluate\r\n"}, "deploy|train|evaluate|"},
		"quotes":              {map[string]string{"TARGET": "deploy", "ARGS": `train -P 'NAME=a b' -P "LABEL=it's"`}, "deploy|train|-P|NAME=a b|-P|LABEL=it's|"},
		"nothing is expanded": {map[string]string{"TARGET": "deploy", "ARGS": "$(touch owned) `id` * ; ${HOME}"}, "deploy|$(touch|owned)|`id`|*|;|${HOME}|"},
		"jobs and params":     {map[string]string{"TARGET": "deploy", "JOBS": "\n  train\n\n  evaluate\n", "PARAMS": "EPOCHS=3\nNAME=a b # c\n"}, "deploy|--param=EPOCHS=3|--param=NAME=a b # c|--|train|evaluate|"},
		"args that end flags": {map[string]string{"TARGET": "secrets sync", "ARGS": "-- train", "JOBS": "-x", "ENVIRONMENT": "staging", "PARAMS": "A=1"}, "secrets|sync|--param=A=1|--env=staging|--|train|-x|"},
		"a comment in args":   {map[string]string{"TARGET": "deploy", "ARGS": "train # the rest\nevaluate a#b"}, "deploy|train|evaluate|a#b|"},
		"a tag is one word":   {map[string]string{"TARGET": "retag", "ARGS": "HEAD", "JOBS": `v'1.2.0'"#`}, "retag|HEAD|--|v'1.2.0'\"#|"},
		"jobs are no flags":   {map[string]string{"TARGET": "deploy", "JOBS": "--file=/x"}, "deploy|--|--file=/x|"},
		"empty inputs":        {map[string]string{"TARGET": "plan", "ARGS": "", "ENVIRONMENT": "", "CONFIG": " ", "POLYAXON_TOKEN": ""}, "plan|"},
		"a comment":           {map[string]string{"TARGET": "plan", "COMMENT": "true", "TOKEN": "t"}, "plan|--comment=true|GITHUB_TOKEN=t|"},
		"no comment":          {map[string]string{"TARGET": "plan", "TOKEN": "t"}, "plan|"},
		"all":                 {map[string]string{"TARGET": "plan", "CONFIG": "ml/slipway.yaml", "ENVIRONMENT": "production", "WORKING_DIRECTORY": "a b", "POLYAXON_TOKEN": "t", "SERVICE_ACCOUNT": "s", "WORKLOAD_IDENTITY_PROVIDER": "p"}, "plan|--file=ml/slipway.yaml|--env=production|--dir=a b|SLIPWAY_WORKLOAD_IDENTITY_PROVIDER=p|SLIPWAY_SERVICE_ACCOUNT=s|POLYAXON_TOKEN=t|"},
	} {
		got, err := ReadInputs(func(name string) (string, bool) {
			value, ok := test.inputs[strings.TrimPrefix(name, "SLIPWAY_INPUT_")]
			return value, ok && strings.HasPrefix(name, "SLIPWAY_INPUT_")
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if all := strings.Join(slices.Concat(got.Arguments, got.Environment, []string{""}), "|"); all != test.want {
			t.Errorf("%s: got %s, want %s", name, all, test.want)
		}
	}
	for input, value := range map[string]string{"args": `train "half`, "target": " \n"} {
		_, err := ReadInputs(func(name string) (string, bool) {
			return map[string]string{"SLIPWAY_INPUT_TARGET": "deploy", "SLIPWAY_INPUT_" + strings.ToUpper(input): value}[name], true
		})
		if bad := new(InputError); !errors.As(err, &bad) || bad.Input != input {
			t.Errorf("%s: %v", input, err)
		}
	}
}
