package polyaxon

import (
	"bytes"
	"time"
)

// A program that draws a progress bar rewrites its line, each time after a carriage
// return. The log keeps the line's last state. Responses with live lines also contain its
// current state.

// lastState returns the last state of a line that is not blank.
func lastState(text []byte) []byte {
	for {
		text = bytes.TrimRight(text, "\r")
		begin := bytes.LastIndexByte(text, '\r') + 1
		if begin == 0 || len(bytes.TrimSpace(text[begin:])) > 0 {
			return text[begin:]
		}
		text = text[:begin-1]
	}
}

// redrawn returns the part of an unfinished line that still matters: its last state, and
// the one before it in case the last one is blank. A carriage return at the end may
// belong to a line ending.
func redrawn(text []byte) []byte {
	begin := bytes.LastIndexByte(bytes.TrimRight(text, "\r"), '\r') + 1
	if begin == 0 {
		return text
	}
	before := lastState(text[:begin])
	return append(append(bytes.Clone(before), '\r'), text[begin:]...)
}

// liveStates returns the current states of the lines that containers are redrawing. Each ends
// with a carriage return, which no line in the log does.
func (l *logWriter) liveStates() []line {
	l.mu.Lock()
	defer l.mu.Unlock()
	var states []line
	for name, streams := range l.streams {
		for _, s := range streams {
			if bytes.IndexByte(s.partial, '\r') < 0 {
				continue
			}
			if state := lastState(s.partial); len(state) > 0 {
				states = append(states, line{Timestamp: l.now().Truncate(time.Microsecond), Node: nodeName, Pod: l.pod, Container: name, Value: valid(state) + "\r"})
			}
		}
	}
	return states
}

// liveStates returns the current states of the lines that a run is redrawing.
func (e *executor) liveStates(uuid string) []line {
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
	return log.liveStates()
}
