package wheel

import (
	"context"
	"path/filepath"
)

// CheckTools returns an error if Resolve would need a program that is not on this machine: uv or
// poetry to read their locks, or a pip to install them with or to build packages from source. A
// lock that was read before needs none. It reads the lock and sends no requests.
func CheckTools(ctx context.Context, s Spec) error {
	f, err := s.format()
	if err != nil {
		return err
	}
	if owner := map[format]string{uvFormat: "uv", poetryFormat: "poetry"}[f]; owner != "" {
		if err := s.checkExporter(ctx, f, owner); err != nil {
			return err
		}
	}
	if len(s.FromSource) > 0 {
		_, err = s.pip(ctx)
	}
	return err
}

// checkExporter returns an error if the program that owns the format of the lock is needed, is
// not there, and cannot be installed.
func (s Spec) checkExporter(ctx context.Context, f format, owner string) error {
	in, err := s.exportInputs(f)
	if err != nil {
		return err
	}
	if _, err := readExport(filepath.Join(s.CacheDir, "export", in.key+".txt")); err == nil {
		return nil
	}
	if err := s.checkProject(f, in.project); err != nil {
		return err
	}
	if _, ok := find(s.Environ, owner); ok {
		return nil
	}
	_, err = s.installer(ctx, owner)
	return err
}
