package tasks

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/tasks/report"
)

// TestIncompleteEnv calls each task with an Env that lacks what the task requires. The task
// must return an error that names the field, and must not panic.
func TestIncompleteEnv(t *testing.T) {
	_, _, _ = laptopWith(t, map[string]string{
		"slipway.yaml": "project: p\nsecrets: {s: {data: {k: 'env:K'}}}\njobs: {train: {polyaxonfile: job.yml}}\nservices: {api: {polyaxonfile: job.yml}}\n", "job.yml": jobFile,
	})
	lookup := func(name string) (string, bool) { return "v", !strings.HasPrefix(name, "SLIPWAY_SANDBOX_") }
	for what, env := range map[string]*Env{"the Env is nil": nil, "Env.Lookup is required": {Events: report.Discard{}}} {
		for name, call := range eachTask() {
			if err := call(t.Context(), env); !errors.As(err, new(*UsageError)) || !strings.Contains(err.Error(), what) {
				t.Errorf("%s: %v, want an error that says: %s", name, err, what)
			}
		}
		if known := Names(env); len(known.Jobs) > 0 {
			t.Errorf("%s: the names are %v", what, known)
		}
	}
	if found := NewestRuns(t.Context(), nil); found != nil {
		t.Errorf("the newest runs are %v", found)
	}
	env := &Env{Events: report.Discard{}, Lookup: lookup}
	if env.stdout() == nil {
		t.Error("there is nowhere to write the lines of logs")
	}
	if _, err := Runs(t.Context(), env, RunsOptions{}); err == nil || !strings.Contains(err.Error(), "Env.Self is empty") {
		t.Errorf("runs: %v", err)
	}
}

// TestMisusedOptions gives options that cannot be right. Each is one clear error before any request.
func TestMisusedOptions(t *testing.T) {
	env, _, _ := laptopWith(t, map[string]string{
		"slipway.yaml": "project: p\nregistry: REGISTRY\npolyaxon: {host: 'http://polyaxon.test'}\njobs: {train: {polyaxonfile: job.yml}}\n", "job.yml": jobFile,
	})
	env.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		t.Errorf("it sent %s %s", r.Method, r.URL)
		return nil, errors.New("no network")
	})
	for want, call := range map[string]func(context.Context) (*Result, error){
		"--limit -1: a limit is not negative": func(ctx context.Context) (*Result, error) { return Runs(ctx, env, RunsOptions{Limit: -1}) },
		"--rollout-timeout -3s is not a valid duration": func(ctx context.Context) (*Result, error) {
			return Deploy(ctx, env, DeployOptions{RolloutTimeout: -3 * time.Second})
		},
		"--rollout-timeout -1ns is not a valid duration": func(ctx context.Context) (*Result, error) { return Apply(ctx, env, ApplyOptions{RolloutTimeout: -1}) },
		"--fail-pending -1s is not a valid duration": func(ctx context.Context) (*Result, error) {
			return Deploy(ctx, env, DeployOptions{FailPending: -time.Second})
		},
		"nope.yml: the Polyaxonfile or directory does not exist": func(ctx context.Context) (*Result, error) {
			return Check(ctx, env, CheckOptions{Files: []string{"nope.yml"}})
		},
		"--write requires --fix":                  func(ctx context.Context) (*Result, error) { return Check(ctx, env, CheckOptions{Write: true}) },
		`"models" is not the address of a bucket`: func(ctx context.Context) (*Result, error) { return DataMb(ctx, env, DataMbOptions{Bucket: "models"}) },
		`"gs://models/x" is not the address of a bucket`: func(ctx context.Context) (*Result, error) {
			return DataMb(ctx, env, DataMbOptions{Bucket: "gs://models/x"})
		},
		`"models" is not an address`: func(ctx context.Context) (*Result, error) { return DataLs(ctx, env, DataLsOptions{At: "models"}) },
		`"gs://models/" is not the address of an object`: func(ctx context.Context) (*Result, error) {
			return DataCat(ctx, env, DataCatOptions{At: "gs://models/"})
		},
		`neither "a" nor "b" is in a bucket`: func(ctx context.Context) (*Result, error) {
			return DataSync(ctx, env, DataSyncOptions{From: "a", To: "b"})
		},
		`"s3://a" is neither a path nor an address such as gs://BUCKET/DIR`: func(ctx context.Context) (*Result, error) {
			return DataCp(ctx, env, DataCpOptions{From: "s3://a", To: "b"})
		},
	} {
		_, err := call(t.Context())
		if code := ExitCode(err); code != ExitUsage || !strings.Contains(err.Error(), want) {
			t.Errorf("exit code %d: %v, want %s", code, err, want)
		}
	}
}

// eachTask returns a call of each task that uses its Env.
func eachTask() map[string]func(context.Context, *Env) error {
	return map[string]func(context.Context, *Env) error{
		"approve": func(ctx context.Context, e *Env) error { _, err := Approve(ctx, e, RunOptions{Run: "r"}); return err },
		"artifacts": func(ctx context.Context, e *Env) error {
			_, err := Artifacts(ctx, e, ArtifactsOptions{Run: "r"})
			return err
		},
		"build": func(ctx context.Context, e *Env) error { _, err := Build(ctx, e, BuildOptions{}); return err },
		"check": func(ctx context.Context, e *Env) error { _, err := Check(ctx, e, CheckOptions{}); return err },
		"component eject": func(ctx context.Context, e *Env) error {
			_, err := ComponentEject(ctx, e, ComponentEjectOptions{Name: "train"})
			return err
		},
		"deploy": func(ctx context.Context, e *Env) error { _, err := Deploy(ctx, e, DeployOptions{}); return err },
		"down": func(ctx context.Context, e *Env) error {
			_, err := Down(ctx, e, DownOptions{Service: "api"})
			return err
		},
		"follow": func(ctx context.Context, e *Env) error { _, err := Follow(ctx, e, FollowOptions{Run: "r"}); return err },
		"images": func(ctx context.Context, e *Env) error { _, err := Images(ctx, e); return err },
		"logs":   func(ctx context.Context, e *Env) error { _, err := Logs(ctx, e, LogsOptions{Run: "r"}); return err },
		"plan":   func(ctx context.Context, e *Env) error { _, err := Plan(ctx, e, PlanOptions{}); return err },
		"render": func(ctx context.Context, e *Env) error {
			_, err := Render(ctx, e, RenderOptions{Job: "train"})
			return err
		},
		"restart": func(ctx context.Context, e *Env) error { _, err := Restart(ctx, e, RunOptions{Run: "r"}); return err },
		"resume":  func(ctx context.Context, e *Env) error { _, err := Resume(ctx, e, RunOptions{Run: "r"}); return err },
		"retag": func(ctx context.Context, e *Env) error {
			_, err := Retag(ctx, e, RetagOptions{From: "a", To: "b"})
			return err
		},
		"runs":          func(ctx context.Context, e *Env) error { _, err := Runs(ctx, e, RunsOptions{}); return err },
		"sandbox reset": func(ctx context.Context, e *Env) error { _, err := SandboxReset(ctx, e); return err },
		"sandbox serve": func(ctx context.Context, e *Env) error {
			return SandboxServe(ctx, e, SandboxServeOptions{Dir: filepath.Join("a", "b")})
		},
		"sandbox status": func(ctx context.Context, e *Env) error { _, err := SandboxStatus(ctx, e); return err },
		"sandbox stop":   func(ctx context.Context, e *Env) error { _, err := SandboxStop(ctx, e); return err },
		"secrets plan":   func(ctx context.Context, e *Env) error { _, err := SecretsPlan(ctx, e, SecretsOptions{}); return err },
		"secrets sync":   func(ctx context.Context, e *Env) error { _, err := SecretsSync(ctx, e, SecretsOptions{}); return err },
		"status":         func(ctx context.Context, e *Env) error { _, err := Status(ctx, e, StatusOptions{Run: "r"}); return err },
		"stop":           func(ctx context.Context, e *Env) error { _, err := Stop(ctx, e, RunOptions{Run: "r"}); return err },
		"submit": func(ctx context.Context, e *Env) error {
			_, err := Submit(ctx, e, SubmitOptions{Job: "train"})
			return err
		},
		"up":      func(ctx context.Context, e *Env) error { _, err := Up(ctx, e, UpOptions{Service: "api"}); return err },
		"version": func(ctx context.Context, e *Env) error { _, err := Version(ctx, e); return err },
	}
}
