package command

import (
	"context"
	"reflect"
	"runtime"
	"strings"

	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/cli"
)

// Task is the function that a command runs, with its options.
type Task struct {
	// function is the name of the function, such as "Deploy".
	function string
	// options is the type of its options struct, nil if it has none.
	options   reflect.Type
	arguments []argument
	flags     []flag
	// serves reports whether it is the sandbox's own process, which returns no Result.
	serves bool
	// plugin reports whether kubectl runs it for credentials.
	plugin bool
	// run calls the function. options is a pointer to the options struct, nil if it has
	// none.
	run func(ctx context.Context, a *cli.App, options any) error
}

// task returns the Task of a function that takes options.
func task[O any](f func(context.Context, *tasks.Env, O) (*tasks.Result, error)) Task {
	t := newTask[O](f)
	t.run = func(ctx context.Context, a *cli.App, options any) error {
		return a.Run(ctx, func(ctx context.Context, env *tasks.Env) (*tasks.Result, error) {
			return f(ctx, env, *options.(*O))
		})
	}
	return t
}

// taskWithoutOptions returns the Task of a function that takes no options.
func taskWithoutOptions(f cli.Task) Task {
	return Task{function: nameOf(f), run: func(ctx context.Context, a *cli.App, _ any) error {
		return a.Run(ctx, f)
	}}
}

// plugin returns the Task of a function that kubectl runs for credentials.
func plugin(f cli.Task) Task {
	t := taskWithoutOptions(f)
	t.plugin = true
	return t
}

// server returns the Task of a process that runs in the foreground until it is stopped.
func server[O any](f func(*cli.App, context.Context, O) error) Task {
	t := newTask[O](f)
	t.serves = true
	t.run = func(ctx context.Context, a *cli.App, options any) error { return f(a, ctx, *options.(*O)) }
	return t
}

// newTask returns a Task for f, with the arguments and flags of its options, but without
// run.
func newTask[O any](f any) Task {
	t := Task{function: nameOf(f), options: reflect.TypeFor[O]()}
	t.arguments, t.flags = fields(t.options)
	return t
}

// nameOf returns the name of a function or method, without its package.
func nameOf(f any) string {
	name := runtime.FuncForPC(reflect.ValueOf(f).Pointer()).Name()
	return name[strings.LastIndexByte(name, '.')+1:]
}
