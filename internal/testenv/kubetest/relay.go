package main

import (
	"errors"
	"flag"
	"io"
	"net"
)

// runRelay listens on a Unix socket, which processes outside of the node's network
// namespace can reach, and relays its connections to a TCP address inside.
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
