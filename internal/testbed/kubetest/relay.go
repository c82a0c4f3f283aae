package main

import (
	"errors"
	"flag"
	"io"
	"net"
)

// runRelay serves a Unix socket, which a process outside of the node's network can
// reach, and passes what comes on to a TCP address inside of it.
func runRelay(args []string) error {
	flags := flag.NewFlagSet("relay", flag.ContinueOnError)
	listen := flags.String("listen", "", "path of the socket")
	to := flags.String("to", "", "host and port")
	if err := flags.Parse(args); err != nil {
		return err
	}
	listener, err := net.Listen("unix", *listen)
	if err != nil {
		return err
	}
	for {
		client, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		go relay(client, *to)
	}
}

func relay(client net.Conn, to string) {
	defer client.Close()
	server, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer server.Close()
	ended := make(chan struct{}, 2)
	go func() { _, _ = io.Copy(server, client); ended <- struct{}{} }()
	go func() { _, _ = io.Copy(client, server); ended <- struct{}{} }()
	<-ended
}
