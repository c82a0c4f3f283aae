package lint

import "github.com/slipway-ci/slipway/internal/polyaxonfile/edit"

// fix is how a finding is mended: edits of the file's text.
type fix []edit.Edit

func set(path []string, value any) fix { return fix{edit.Set(value, path...)} }
