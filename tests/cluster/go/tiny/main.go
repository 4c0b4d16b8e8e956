// One small program for images that hold nothing else.
//
//	tiny                    waits to be told to end: the pause of every pod
//	tiny listen PORT        answers "open" over TCP and UDP, IPv4 and IPv6
//	tiny dial NET ADDRESS   says "open", or why not, within two seconds
//	tiny rush NET ADDRESS   dials from its first moment on, five seconds long; says how often
//	                        it came through, then waits
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

const patience = 2 * time.Second

func main() {
	switch {
	case len(os.Args) == 3 && os.Args[1] == "listen":
		listen(":" + os.Args[2])
	case len(os.Args) == 4 && os.Args[1] == "dial":
		fmt.Println(dial(os.Args[2], os.Args[3]))
	case len(os.Args) == 4 && os.Args[1] == "rush":
		rush(os.Args[2], os.Args[3])
	default:
		wait()
	}
}

func wait() {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM, syscall.SIGINT)
	children := make(chan os.Signal, 1)
	signal.Notify(children, syscall.SIGCHLD)
	for {
		select {
		case <-ended:
			return
		case <-children:
			// The first process of a pod inherits what the others leave behind.
			for {
				if pid, _ := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); pid <= 0 {
					break
				}
			}
		}
	}
}

func listen(address string) {
	stream, err := net.Listen("tcp", address)
	if err != nil {
		fail(err)
	}
	datagrams, err := net.ListenPacket("udp", address)
	if err != nil {
		fail(err)
	}
	go func() {
		buffer := make([]byte, 512)
		for {
			if _, from, err := datagrams.ReadFrom(buffer); err == nil {
				_, _ = datagrams.WriteTo([]byte("open"), from)
			}
		}
	}()
	go func() {
		for {
			if connection, err := stream.Accept(); err == nil {
				_, _ = io.WriteString(connection, "open")
				_ = connection.Close()
			}
		}
	}()
	wait()
}

func dial(network, address string) string {
	connection, err := net.DialTimeout(network, address, patience)
	if err != nil {
		return "closed: " + err.Error()
	}
	defer connection.Close()
	if !strings.HasPrefix(network, "udp") {
		return "open"
	}
	_ = connection.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(connection, "?")
	if _, err := connection.Read(make([]byte, 16)); err != nil {
		return "closed: " + err.Error()
	}
	return "open"
}

func rush(network, address string) {
	through := 0
	for began := time.Now(); time.Since(began) < 5*time.Second; time.Sleep(5 * time.Millisecond) {
		if connection, err := net.DialTimeout(network, address, 50*time.Millisecond); err == nil {
			through++
			_ = connection.Close()
		}
	}
	fmt.Printf("%d times through\n", through)
	wait()
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
