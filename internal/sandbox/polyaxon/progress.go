package polyaxon

import (
	"bytes"
	"time"
)

// A program that draws a progress bar begins its line again and again with a carriage
// return. The last state of the line is kept in the log, and the one that it has just
// now is told to who asks for live lines.

// settled gives the last state of a line that is not blank.
func settled(text []byte) []byte {
	for {
		text = bytes.TrimRight(text, "\r")
		begin := bytes.LastIndexByte(text, '\r') + 1
		if begin == 0 || len(bytes.TrimSpace(text[begin:])) > 0 {
			return text[begin:]
		}
		text = text[:begin-1]
	}
}

// redrawn gives what of a line that goes on still matters: its last state, and what
// may stand for it. A return at its end may be that of an end of line.
func redrawn(text []byte) []byte {
	begin := bytes.LastIndexByte(bytes.TrimRight(text, "\r"), '\r') + 1
	if begin == 0 {
		return text
	}
	before := settled(text[:begin])
	return append(append(bytes.Clone(before), '\r'), text[begin:]...)
}

// going gives the states of the lines that containers redraw just now. Each ends with
// a carriage return, which no line of the log does.
func (l *logWriter) going() []line {
	l.mu.Lock()
	defer l.mu.Unlock()
	var states []line
	for name, streams := range l.streams {
		for _, s := range streams {
			if bytes.IndexByte(s.partial, '\r') < 0 {
				continue
			}
			if state := settled(s.partial); len(state) > 0 {
				states = append(states, line{Timestamp: l.now().Truncate(time.Microsecond), Node: nodeName, Pod: l.pod, Container: name, Value: valid(state) + "\r"})
			}
		}
	}
	return states
}

// going gives the states of the lines that a run redraws just now.
func (e *executor) going(uuid string) []line {
	e.mu.Lock()
	x := e.alive[uuid]
	e.mu.Unlock()
	if x == nil {
		return nil
	}
	log := x.log.Load()
	if log == nil {
		return nil
	}
	return log.going()
}
