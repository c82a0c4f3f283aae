package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/service"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// user is something that runs and uses Secrets.
type user struct {
	report.SecretUser
	secrets []string
	// restart restarts it, and returns what to tell. It is nil if slipway does not restart
	// such a user: a run that slipway did not start, or a pod that nothing would start again.
	restart func(context.Context) (string, error)
	// byHand is how to restart it otherwise.
	byHand string
}

// tellUsers adds to result what runs and uses a Secret whose value changes, and notes that
// it may keep the old value. If the changes are not only planned and Restart is set, it
// restarts these users. It asks nothing if no value changes.
func (s secrets) tellUsers(ctx context.Context, changes []secret.Change, result *report.Result, planned bool) error {
	var changed []string
	for _, c := range changes {
		if c.Action == secret.Update && len(c.Differing()) > 0 {
			changed = append(changed, c.Name)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	services := s.servicesUsing(ctx)
	users := slices.Concat(services, s.objectsUsing(ctx, services))
	var errs []error
	for _, u := range users {
		uses := slices.DeleteFunc(slices.Clone(u.secrets), func(name string) bool { return !slices.Contains(changed, name) })
		if len(uses) == 0 {
			continue
		}
		if s.Restart && !planned && u.restart != nil {
			outcome, err := u.restart(ctx)
			if err != nil {
				errs = append(errs, err)
			} else {
				s.Report(report.Event{Kind: report.Done, Step: "secrets", Subject: u.String(), Run: u.Run, Message: outcome})
			}
			u.Restarted = err == nil
		}
		if !u.Restarted {
			s.Note(fmt.Sprintf("%s uses secret %s, whose value changes; %s", u, strings.Join(uses, ", "), u.advice(planned)))
		}
		for i := range result.Secrets {
			if one := &result.Secrets[i]; slices.Contains(uses, one.Name) {
				one.Users = append(one.Users, u.SecretUser)
			}
		}
	}
	return exit.IfInterruptedWith(ctx, errors.Join(errs...), "the secrets are synced; what uses them may not have been restarted")
}

// String returns the user's kind and name.
func (u user) String() string { return u.Kind + " " + u.Name }

func (u user) advice(planned bool) string {
	switch {
	case u.restart == nil:
		return "it may keep the old value until it ends"
	case planned:
		return "it may keep the old value until it is restarted (slipway secrets sync --restart does both)"
	}
	return "it may keep the old value until it is restarted (" + u.byHand + "; with --restart, a sync does that)"
}

// servicesUsing returns the active runs of the services of slipway.yaml with the Secrets that
// they use. If Polyaxon cannot be asked, it notes that.
func (s secrets) servicesUsing(ctx context.Context) []user {
	if len(s.Config.Services) == 0 {
		return nil
	}
	unknown := func(err error) {
		s.Note("it is unknown which services run and use the secrets: " + err.Error())
	}
	if s.Polyaxon == nil {
		if err := s.Extend(ctx, platform.Uses{Runs: true}); err != nil {
			unknown(err)
			return nil
		}
	}
	var users []user
	for _, j := range s.Services() {
		of := &service.Service{Platform: s.Platform, Job: j}
		alive, err := of.Alive(ctx)
		if err != nil {
			unknown(err)
			return users
		}
		for i := range alive {
			r, err := s.Polyaxon.Run(ctx, s.Config.Project, alive[i].UUID)
			if err != nil {
				unknown(err)
				return users
			}
			u := user{
				SecretUser: report.SecretUser{Kind: "service", Name: j.Name, Run: r.UUID},
				secrets:    cluster.SecretsIn([]byte(cmp.Or(r.Content, r.RawContent))),
				byHand:     "slipway down " + j.Name + ", then slipway up " + j.Name,
			}
			if r.MetaInfo[run.MetaKey] != nil { // slipway started it
				u.restart = func(ctx context.Context) (string, error) {
					made, err := of.Restart(ctx, r)
					if err != nil {
						return "", err
					}
					return fmt.Sprintf("restarted: run %s replaces run %s", made.UUID, r.UUID), nil
				}
			}
			users = append(users, u)
		}
	}
	return users
}

// objectsUsing returns the objects of the cluster's namespace with the Secrets that they
// use, apart from those of services. If some cannot be listed, it notes that.
func (s secrets) objectsUsing(ctx context.Context, services []user) []user {
	if s.Rest == nil { // the sandbox has nothing but runs
		return nil
	}
	all, err := s.Cluster.SecretUsers(ctx)
	if err != nil {
		s.Note("it is not visible what else uses the secrets: " + strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	var users []user
	for _, object := range all {
		u := user{SecretUser: report.SecretUser{Kind: object.Kind, Name: object.Name, Run: object.Run}, secrets: object.Secrets}
		switch {
		case object.Run != "" && slices.ContainsFunc(services, func(s user) bool { return s.Run == object.Run }):
			continue
		case object.Run == "" && object.Kind != cluster.Pod: // Polyaxon's operator restarts its own
			u.byHand = "kubectl rollout restart " + strings.ToLower(object.Kind) + " " + object.Name
			u.restart = func(ctx context.Context) (string, error) {
				return "restarted", s.Cluster.RestartUser(ctx, object, s.Now())
			}
		}
		users = append(users, u)
	}
	return users
}
