package dockerfile

import "context"

type Kubernetes struct{}

func (k *Kubernetes) builder(context.Context, func(string)) (*Builder, error) { return nil, nil }
