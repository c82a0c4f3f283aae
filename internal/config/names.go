package config

// Names are what a slipway.yaml gives names to, each list in alphabetical order.
type Names struct {
	Images, Jobs, Services, Environments []string
}

// ReadNames returns the names in the configuration at path, with those that one of
// its environments adds; environment is "" for none. A shell completes words while the
// file may still have errors, so that only a text that is no YAML is one.
func ReadNames(path, environment string) (Names, error) {
	text, err := read(path)
	if err != nil {
		return Names{}, err
	}
	d := newDecoder(path, nil)
	root := d.parse(text)
	if root == nil {
		return Names{}, inOrder(d.errs)
	}
	c := &Config{Environment: environment}
	d.decodeConfig(d.overlay(root, c), c)
	return Names{Images: keys(c.Images), Jobs: keys(c.Jobs), Services: keys(c.Services), Environments: keys(c.Environments)}, nil
}
