package relay

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// maxHeader is the largest header of a request in bytes, where requests are checked.
const maxHeader = 64 << 10

// RefusedError reports a request that Options.Check or the relay refused.
type RefusedError struct {
	// Status is the status of the answer.
	Status int
	Err    error
}

// Error implements error.
func (e *RefusedError) Error() string { return "a request was refused: " + e.Err.Error() }

// Unwrap returns the error of Options.Check.
func (e *RefusedError) Unwrap() error { return e.Err }

// answer tells the local side.
func (e *RefusedError) answer(local io.Writer) {
	text := e.Err.Error() + "\n"
	_, _ = fmt.Fprintf(local, "HTTP/1.1 %d %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		e.Status, http.StatusText(e.Status), len(text), text)
}

// transferRequests copies as transfer does, and checks each request of HTTP/1 before it is
// sent. Its reading error is a *RefusedError for one that is refused. Other protocols are copied as
// they are, and so is what follows a request whose length a browser would not leave open: one in
// chunks, and one that upgrades the connection.
func transferRequests(to io.Writer, from net.Conn, check func(*http.Request) error) (reading, writing error) {
	in := bufio.NewReaderSize(from, maxHeader)
	for {
		size, err := headerSize(in)
		if err != nil {
			return err, nil
		}
		if size == 0 {
			return transfer(to, in)
		}
		header, _ := in.Peek(size)
		request, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(header)))
		if err != nil {
			return &RefusedError{http.StatusBadRequest, err}, nil
		}
		if err := check(request); err != nil {
			return &RefusedError{http.StatusForbidden, err}, nil
		}
		if len(request.TransferEncoding) > 0 || request.Header.Get("Upgrade") != "" {
			return transfer(to, in)
		}
		all := &io.LimitedReader{R: in, N: int64(size) + max(request.ContentLength, 0)}
		if reading, writing := transfer(to, all); reading != nil || writing != nil || all.N > 0 {
			return reading, writing
		}
	}
}

// headerSize waits for the header of a request of HTTP/1, and returns its size in bytes. It is 0
// if something else comes, or the end. The error is a *RefusedError if the header is too long.
func headerSize(in *bufio.Reader) (int, error) {
	for need := 1; ; need = in.Buffered() + 1 {
		_, err := in.Peek(need)
		if errors.Is(err, bufio.ErrBufferFull) {
			return 0, &RefusedError{http.StatusRequestHeaderFieldsTooLarge, fmt.Errorf("its header has more than %d bytes", maxHeader)}
		}
		if err != nil {
			return 0, nil //nolint:nilerr // the next read has the error, after what was sent
		}
		text, _ := in.Peek(in.Buffered())
		first, rest, complete := bytes.Cut(text, []byte("\n"))
		if !mayBeRequest(string(first), complete) {
			return 0, nil
		}
		for complete {
			var line []byte
			line, rest, complete = bytes.Cut(rest, []byte("\n"))
			if complete && len(bytes.TrimSuffix(line, []byte("\r"))) == 0 {
				return len(text) - len(rest), nil
			}
		}
	}
}

// mayBeRequest reports whether the first line of a request of HTTP/1 is line, or begins with
// it if it is not complete. Methods may be any token: a page can choose one.
func mayBeRequest(line string, complete bool) bool {
	method, target, spaced := strings.Cut(line, " ")
	switch {
	case method == "" || strings.ContainsFunc(method, isNotToken):
		return false
	case !spaced:
		return !complete
	case target != "" && !strings.ContainsAny(target[:1], "/*h"): // all forms but that of CONNECT
		return false
	}
	protocol := target[strings.LastIndex(target, " ")+1:]
	return !complete || strings.HasPrefix(protocol, "HTTP/1.")
}

// isNotToken reports whether a token of HTTP does not have a character (RFC 9110, section 5.6.2).
func isNotToken(r rune) bool {
	letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	return !letter && (r > '~' || !strings.ContainsRune("!#$%&'*+-.^_`|~", r))
}
