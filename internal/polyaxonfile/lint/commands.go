package lint

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
)

func commandRules() []Rule {
	return []Rule{
		{Name: "command-with-spaces", Severity: file.SeverityError, Stage: file.StageRun, check: commandWithSpaces,
			Summary: "A command of one text with spaces",
			Help: "Kubernetes runs no shell: `command: [\"python train.py\"]` looks for a program whose name is `python train.py`, and the container does not start. " +
				"Write each word as an element of its own: `[python, train.py]`."},
		{Name: "argument-with-space", Severity: file.SeverityWarning, Stage: file.StageRun, check: argumentWithSpace,
			Summary: "An option and its value in one argument",
			Help: "An argument is not split at its spaces: with `args: [\"--epochs 10\"]` the program gets one argument, and does not have an option `--epochs 10`. " +
				"Write two elements, `[--epochs, \"10\"]`, or one with an equals sign, `[--epochs=10]`."},
		{Name: "shell-script-cut", Severity: file.SeverityWarning, Stage: file.StageRun, check: shellScriptCut,
			Summary: "A shell's -c is followed by more than the script",
			Help: "`sh -c` takes one argument as its script; what comes after it becomes $0, $1 and so on and is not run: `[sh, -c, python, train.py]` starts Python without train.py. " +
				"Write the script as one text."},
		{Name: "shell-without-c", Severity: file.SeverityWarning, Stage: file.StageRun, check: shellWithoutC,
			Summary: "A shell is given a command without -c",
			Help:    "`[bash, \"python train.py\"]` has the shell look for a script file of that name. Put `-c` before the command."},
		{Name: "shell-syntax", Severity: file.SeverityWarning, Stage: file.StageRun, check: shellSyntax,
			Summary: "Shell syntax in the arguments of a program",
			Help: "Without a shell, `&&`, `|`, `>` and `$HOME` reach the program as they are. Run a shell: `command: [/bin/sh, -c]` with the whole line as one argument. " +
				"Kubernetes itself expands variables that are written `$(NAME)`."},
	}
}

// line returns a container's command and arguments as one list, with their paths.
func (c container) line() (words []string, paths [][]string) {
	for _, key := range []string{"command", "args"} {
		some, at := c.part(key)
		words, paths = append(words, some...), append(paths, at...)
	}
	return words, paths
}

// part returns a container's command or its arguments, with their paths. A single text
// counts as a list of one element, as it does in Polyaxon.
func (c container) part(key string) (words []string, paths [][]string) {
	if word, ok := c.values[key].(string); ok {
		return []string{word}, [][]string{extend(c.path, key)}
	}
	for i, element := range list(c.values[key]) {
		words, paths = append(words, text(element)), append(paths, extend(c.path, key, itoa(i)))
	}
	return words, paths
}

func isShell(word string) bool {
	return slices.Contains([]string{"sh", "bash", "dash", "zsh", "ash"}, path.Base(word))
}

var wordsOfCommand = lazyregexp.New(`^[\w./-]+(?:\s+\S+)+$`)

func commandWithSpaces(p *pass) {
	for _, c := range p.containers() {
		command, paths := c.part("command")
		if len(command) == 0 || !wordsOfCommand.MatchString(command[0]) || templated(command[0]) {
			continue
		}
		words, safe := separated(command[0])
		found := p.value(paths[0], "write ["+inBrackets(words)+"]", "there is no program %q: Kubernetes does not split a command at its spaces", shortened(command[0]))
		if _, isText := c.values["command"].(string); isText {
			found.Severity = file.SeverityWarning
		}
		if safe && len(command) == 1 {
			separate := make([]any, len(words))
			for i, word := range words {
				separate[i] = word
			}
			found.fix = set(extend(c.path, "command"), separate)
		}
	}
}

// separated splits a command line into words, and reports whether a shell would certainly
// split it in the same way. The text after a shell's -c is one word.
func separated(line string) (words []string, safe bool) {
	words = strings.Fields(line)
	if i := shellC(words); i >= 0 && i+1 < len(words) {
		script := line
		for _, word := range words[:i+1] {
			script = strings.TrimSpace(strings.TrimPrefix(script, word))
		}
		if quoted := script[0]; len(script) > 1 && (quoted == '"' || quoted == '\'') && script[len(script)-1] == quoted {
			script = script[1 : len(script)-1]
		}
		return append(words[:i+1:i+1], script), !strings.ContainsAny(script, "\"'`$\\")
	}
	takesProgram := slices.ContainsFunc(words[1:], func(word string) bool { return word == "-c" || word == "-e" || word == "-lc" || isShell(word) })
	return words, !takesProgram && !strings.ContainsAny(line, "\"'`$&|;<>(){}*?\\")
}

// inBrackets formats words as the elements of a YAML list, quoted where necessary.
func inBrackets(words []string) string {
	var all []string
	for _, word := range words {
		if strings.ContainsAny(word, " ,[]{}#:\"'&*!|>%@`") {
			word = strconv.Quote(word)
		}
		all = append(all, word)
	}
	return strings.Join(all, ", ")
}

// shellC returns the index of a shell's -c, or -1 when there is none.
func shellC(words []string) int {
	if len(words) == 0 || !isShell(words[0]) {
		return -1
	}
	for i, w := range words[1:] {
		if strings.HasPrefix(w, "-") && !strings.HasPrefix(w, "--") && strings.HasSuffix(w, "c") {
			return i + 1
		}
		if !strings.HasPrefix(w, "-") && w != "pipefail" {
			return -1
		}
	}
	return -1
}

func shellScriptCut(p *pass) {
	for _, c := range p.containers() {
		words, paths := c.line()
		i := shellC(words)
		if i < 0 || i+2 >= len(words) || strings.Contains(words[i+1], "$") || strings.ContainsAny(words[i+1], " ;\n") {
			continue
		}
		if templated(words[i+1]) {
			continue
		}
		p.value(paths[i+2], "write the script as one text: "+shortened(`"`+strings.Join(words[i+1:], " ")+`"`), "the shell runs only %q and ignores what follows", words[i+1])
	}
}

func shellWithoutC(p *pass) {
	for _, c := range p.containers() {
		words, paths := c.line()
		if len(words) < 2 || !isShell(words[0]) || shellC(words) >= 0 {
			continue
		}
		for i, w := range words[1:] {
			if strings.HasPrefix(w, "-") {
				continue
			}
			if strings.Contains(strings.TrimSpace(w), " ") && !templated(w) {
				p.value(paths[i+1], `put "-c" before it`, "the shell looks for a script file called %q", shortened(w))
			}
			break
		}
	}
}

var (
	shellSign     = lazyregexp.New(`^(?:&&|\|\||\||>|>>|<|2>&1|;)$`)
	shellVariable = lazyregexp.New(`\$(?:\{[A-Za-z_]\w*\}|[A-Za-z_]\w*)`)
)

func shellSyntax(p *pass) {
	for _, c := range p.containers() {
		words, paths := c.line()
		if len(words) == 0 || isShell(words[0]) || c.values["command"] == nil && templated(words[0]) {
			continue
		}
		if slices.ContainsFunc(words, isShell) { // for example env -i sh -c
			continue
		}
		for i, w := range words {
			if shellSign.MatchString(w) {
				p.value(paths[i], "write command: [/bin/sh, -c] and the whole line as one argument", "%s is shell syntax, and no shell runs here", w)
				break
			}
			if v := shellVariable.FindString(w); v != "" && !templated(w) && !strings.Contains(w, "$(") {
				name := strings.Trim(v, "${}")
				p.within(paths[i], v, "write $("+name+"), which Kubernetes expands, or run a shell", "the program gets the text %s: no shell runs here", v)
				break
			}
		}
	}
}

var optionWithValue = lazyregexp.New(`^(--?[A-Za-z][\w.-]*)[ \t]+(\S.*)$`)

func argumentWithSpace(p *pass) {
	for _, c := range p.containers() {
		words, paths := c.line()
		if slices.ContainsFunc(words, isShell) {
			continue // its script may contain anything
		}
		for i, word := range words {
			m := optionWithValue.FindStringSubmatch(word)
			if m == nil || i == 0 && c.values["command"] != nil || i > 0 && takesText(words[i-1]) {
				continue
			}
			hint := "write " + m[1] + "=" + shortened(m[2])
			if rest := strings.Fields(m[2]); len(rest) == 1 && !strings.Contains(m[2], "{") {
				hint = "write two elements: " + inBrackets([]string{m[1], m[2]})
			}
			p.value(paths[i], hint, "this is one argument with a space in it: the program does not have an option %q", shortened(word))
		}
	}
}

// takesText reports whether the argument after an option may be any text.
func takesText(option string) bool {
	return option == "-c" || option == "-e" || strings.HasPrefix(option, "--") && (strings.HasSuffix(option, "-args") || strings.HasSuffix(option, "_args") || strings.HasSuffix(option, "-flags") || strings.HasSuffix(option, "-opts"))
}
