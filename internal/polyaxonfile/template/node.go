package template

// node is a node of a template's body.
type node interface{}

type (
	textNode  struct{ text string }
	printNode struct{ value expression }
	ifNode    struct {
		branches []branch
	}
	branch struct {
		condition expression // nil for else
		body      []node
	}
	forNode struct {
		targets         target
		over, condition expression
		body, otherwise []node
		recursive       bool
	}
	setNode struct {
		targets target
		value   expression
		body    []node // of a block set, whose value is nil
		filters []call // of a block set
	}
	withNode struct {
		names  []target
		values []expression
		body   []node
	}
	filterNode struct {
		filters []call
		body    []node
	}
	callNode struct {
		of   invocation
		body macroNode
	}
	macroNode struct {
		name     string
		names    []string
		defaults []expression // of the last names
		body     []node
	}
)

// target is the target of an assignment: a name, an attribute of a namespace, or several
// targets.
type target struct {
	name, attribute string
	several         []target
}

// expression is a node of an expression.
type expression interface{}

type (
	constant  struct{ value any }
	reference struct{ name string }
	attribute struct {
		of   expression
		name string
	}
	item  struct{ of, index expression }
	slice struct{ from, to, step expression } // the index of an item
	list  struct {
		items []expression
		tuple bool
	}
	dict  struct{ keys, values []expression }
	unary struct {
		operator string
		of       expression
	}
	binary struct {
		operator    string
		left, right expression
	}
	comparison struct {
		first     expression
		operators []string
		others    []expression
	}
	conditional struct{ condition, then, otherwise expression }
	concat      struct{ parts []expression }
	invocation  struct {
		of   expression
		args arguments
	}
	// call is a filter or a test with its arguments.
	call struct {
		name string
		args arguments
	}
	filtered struct {
		of expression
		call
	}
	tested struct {
		of expression
		call
		negated bool
	}
)

// arguments are the arguments of a call. star and doubleStar are *args and **kwargs.
type arguments struct {
	positional       []expression
	names            []string
	named            []expression
	star, doubleStar expression
}
