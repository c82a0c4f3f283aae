package devtools

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/tools/go/packages"
)

// Cross checks that slipway compiles for every system that it is for: all packages, their
// tests too, and all that they import. It checks types and makes no machine code, which
// takes the compiler two minutes for each system when its cache is empty.
func Cross(ctx context.Context, o Options) error {
	var errs []error
	for _, system := range []string{"linux", "darwin", "windows"} {
		for _, machine := range []string{"amd64", "arm64"} {
			_, _ = fmt.Fprintf(o.Log, "checking types for %s/%s\n", system, machine)
			if err := checkTypes(ctx, system, machine); err != nil {
				errs = append(errs, fmt.Errorf("%s/%s: %w", system, machine, err))
			}
		}
	}
	return errors.Join(errs...)
}

// checkTypes type-checks the module for one system. Of packages of other modules it skips
// the bodies of functions.
func checkTypes(ctx context.Context, system, machine string) error {
	loaded, err := packages.Load(&packages.Config{
		Context: ctx, Tests: true,
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports | packages.NeedDeps | packages.NeedTypes | packages.NeedTypesSizes,
		Env:  append(os.Environ(), "GOOS="+system, "GOARCH="+machine, "CGO_ENABLED=0"),
	}, "./...")
	if err != nil {
		return err
	}
	var errs []error
	packages.Visit(loaded, nil, func(p *packages.Package) {
		for _, e := range p.Errors {
			errs = append(errs, e)
		}
	})
	return errors.Join(errs...)
}
