package build

import (
	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/image"
)

// pythonBuilder returns the builder of images of locked Python requirements and files.
func pythonBuilder(o *imageBuild) image.Builder {
	from := o.config.Python
	o.Base, o.Requirements, o.Python, o.Interpreter = from.Base, from.Requirements, from.Version, from.Interpreter
	o.Extras, o.Groups, o.FromSource, o.Wheels = from.Extras, from.Groups, from.FromSource, from.Wheels
	o.note(from.Requirements, "python", "requirements")
	o.note(from.Base, "python", "base")
	return image.NewBuilder(o.Order)
}

// pythonParameters returns the parameters of an image of kind python.
func pythonParameters(i *config.Image) map[string]any {
	all := treeParameters(i)
	all["python"] = map[string]any{"base": i.Python.Base, "requirements": i.Python.Requirements, "version": i.Python.Version, "interpreter": i.Python.Interpreter,
		"extras": i.Python.Extras, "groups": i.Python.Groups, "build-from-source": i.Python.FromSource, "wheels": i.Python.Wheels}
	all["system"] = i.System
	return all
}
