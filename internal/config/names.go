package config

// Names holds the names that a slipway.yaml defines. Each list is sorted.
type Names struct {
	Images, Jobs, Services, Environments []string
}

// ReadNames returns the names that the configuration at path defines, including those
// that the given environment adds; environment is "" for none. It serves shell
// completion, where the file may still have errors. So it only fails if the file cannot
// be read or is not valid YAML.
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
	return c.sortedNames(), nil
}

// sortedNames returns the names that the configuration defines.
func (c *Config) sortedNames() Names {
	return Names{Images: keys(c.Images), Jobs: keys(c.Jobs), Services: keys(c.Services), Environments: keys(c.Environments)}
}
