package main

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/testenv"
	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/report"
)

// TestDeletedWhileFollowed deletes the run that is being followed, or its project. How
// the run ends can no longer be found out. The command reports that at once, and its exit
// code says so.
func TestDeletedWhileFollowed(t *testing.T) {
	t.Parallel()
	t.Run("sandbox", func(t *testing.T) { deletedWhileFollowed(newStage(t, sandboxServer(t))) })
	t.Run("1.11.3", func(t *testing.T) { deletedWhileFollowed(newStage(t, oldServer(t))) })
	t.Run("2.18", func(t *testing.T) { deletedWhileFollowed(newStage(t, testenv.Forward(t, shared.Polyaxon(t)))) })
}

func deletedWhileFollowed(s *stage) {
	s.ends.Store(polyaxon.Status("")) // runs keep running
	for what, remove := range map[string]func(ctx context.Context, project, uuid string) error{
		"run":     s.direct.Delete,
		"project": func(ctx context.Context, project, _ string) error { return s.direct.DeleteProject(ctx, project) },
	} {
		for command, do := range map[string]func(context.Context, *tasks.Env) (*report.Result, error){
			"deploy": func(ctx context.Context, env *tasks.Env) (*report.Result, error) {
				return tasks.Deploy(ctx, env, tasks.DeployOptions{})
			},
			"follow": func(ctx context.Context, env *tasks.Env) (*report.Result, error) {
				if _, err := tasks.Submit(ctx, env, tasks.SubmitOptions{Job: "prepare"}); err != nil {
					return nil, err
				}
				return tasks.Follow(ctx, env, tasks.FollowOptions{Run: "prepare"})
			},
			"logs -f": func(ctx context.Context, env *tasks.Env) (*report.Result, error) {
				if _, err := tasks.Submit(ctx, env, tasks.SubmitOptions{Job: "prepare"}); err != nil {
					return nil, err
				}
				return tasks.Logs(ctx, env, tasks.LogsOptions{Run: "prepare", Follow: true})
			},
		} {
			s.t.Run(what+" of "+command, func(t *testing.T) {
				project := s.project()
				transport := &http.Transport{DisableKeepAlives: true}
				env := s.env(project, transport)
				var once sync.Once
				var deleted time.Time
				asked := map[string]int{}
				var mu sync.Mutex
				end := s.during(func(_ int, r *http.Request, answered bool) {
					match := statusesOf.FindStringSubmatch(r.URL.Path)
					if match == nil || !answered {
						return
					}
					mu.Lock()
					defer mu.Unlock()
					if asked[match[2]]++; asked[match[2]] == 5 {
						once.Do(func() {
							deleted = env.Now()
							if err := remove(context.Background(), project, match[2]); err != nil {
								t.Errorf("delete the %s: %v", what, err)
							}
						})
					}
				})
				defer end()
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute) // ends the test if the command hangs
				defer cancel()
				_, err := do(ctx, env)
				if code := tasks.ExitCode(err); code != tasks.ExitLost || !strings.Contains(err.Error(), "it is unknown how it ends") {
					t.Errorf("exit code %d: %v", code, err)
				}
				if took := env.Now().Sub(deleted); took > time.Minute {
					t.Errorf("that took %s", took)
				}
			})
		}
	}
}
