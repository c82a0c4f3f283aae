// Probe is the program that the tests run in containers. Its first argument is the step
// to execute, and the others are the step's arguments.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Println("probe")
		return
	}
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(9)
	}
}

func run(step string, args []string) error {
	switch step {
	case "exit":
		code := 0
		fmt.Sscan(args[0], &code)
		os.Exit(code)
	case "echo":
		fmt.Println(strings.Join(args, " "))
	case "both":
		fmt.Println("to stdout")
		fmt.Fprintln(os.Stderr, "to stderr")
	case "env":
		for _, name := range args {
			fmt.Printf("%s=%s\n", name, os.Getenv(name))
		}
	case "self":
		host, _ := os.Hostname()
		dir, _ := os.Getwd()
		fmt.Println(os.Getpid(), os.Getuid(), host, dir)
	case "pids":
		names, _ := filepath.Glob("/proc/[0-9]*")
		fmt.Println(len(names))
	case "list":
		for _, dir := range args {
			entries, err := os.ReadDir(dir)
			if err != nil {
				return err
			}
			for _, e := range entries {
				fmt.Println(e.Name())
			}
		}
	case "files": // prints what is open beyond the standard files
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			return err
		}
		for _, e := range entries {
			if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && (len(e.Name()) > 1 || e.Name() > "2") {
				fmt.Println(target)
			}
		}
	case "read":
		for _, name := range args {
			content, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			fmt.Printf("%s\n", content)
		}
	case "mode":
		for _, name := range args {
			info, err := os.Stat(name)
			if err != nil {
				return err
			}
			fmt.Println(info.Mode())
		}
	case "write": // name content
		return os.WriteFile(args[0], []byte(args[1]), 0o644)
	case "try-write":
		for _, name := range args {
			err := os.WriteFile(name, []byte("x"), 0o644)
			fmt.Println(name, err != nil)
		}
	case "make":
		for _, name := range args {
			fmt.Println(name, os.Mkdir(name, 0o755) != nil)
		}
	case "remount":
		for _, name := range args {
			fmt.Println(syscall.Mount("", name, "", syscall.MS_REMOUNT|syscall.MS_BIND, "") != nil)
			fmt.Println(syscall.Unmount(name, syscall.MNT_DETACH) != nil)
		}
	case "connect": // to abstract sockets
		for _, name := range args {
			c, err := net.Dial("unix", "@"+name)
			fmt.Println(err == nil)
			if err == nil {
				_ = c.Close()
			}
		}
	case "shared": // prints the machine's entries in /proc and /dev that it can change
		entries, _ := os.ReadDir("/proc")
		names := []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"}
		for _, e := range entries {
			if e.Type()&os.ModeSymlink == 0 && strings.Trim(e.Name(), "0123456789") != "" {
				names = append(names, "/proc/"+e.Name())
			}
		}
		for _, name := range names {
			info, err := os.Stat(name)
			if err == nil && os.Chmod(name, info.Mode()) == nil {
				fmt.Println("mode of", name)
			}
			if file, err := os.OpenFile(name, os.O_WRONLY, 0); err == nil && info.Mode().IsRegular() {
				fmt.Println(name)
				_ = file.Close()
			}
		}
		fmt.Println(len(names) > 10)
	case "keys": // prints whether calls for the kernel's keys are allowed
		for _, call := range []uintptr{syscall.SYS_KEYCTL, syscall.SYS_ADD_KEY, syscall.SYS_REQUEST_KEY} {
			_, _, err := syscall.Syscall6(call, 0, ^uintptr(2), 0, 0, 0, 0) // KEYCTL_GET_KEYRING_ID of the session
			fmt.Println(err != syscall.EPERM)
		}
	case "nest": // runs a step in a user namespace of its own
		c := exec.Command(os.Args[0], args...)
		c.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWCGROUP,
			UidMappings: []syscall.SysProcIDMap{{Size: 1}}, GidMappings: []syscall.SysProcIDMap{{Size: 1}},
		}
		c.Stdout = os.Stdout
		return c.Run()
	case "groups": // mounts control groups, and creates one
		if err := syscall.Mount("cgroup2", args[0], "cgroup2", 0, ""); err != nil {
			return err
		}
		return os.Mkdir(filepath.Join(args[0], "slipway-test"), 0o755)
	case "hide":
		return os.Mkdir(args[0], 0)
	case "signal-self":
		signal.Reset()
		if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
			return err
		}
		time.Sleep(time.Hour)
	case "allocate": // MiB
		size := 0
		fmt.Sscan(args[0], &size)
		memory := make([]byte, size<<20)
		for i := 0; i < len(memory); i += 4096 {
			memory[i] = 1
		}
		time.Sleep(200 * time.Millisecond)
		fmt.Println("allocated", len(memory)>>20)
	case "sleep":
		fmt.Println("ready")
		time.Sleep(time.Hour)
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("ready")
		time.Sleep(time.Hour)
	case "polite":
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGTERM)
		fmt.Println("ready")
		fmt.Println("got", <-signals)
		os.Exit(7)
	case "orphan", "child": // leaves a process that writes to a file; an orphan has a session of its own
		c := exec.Command(os.Args[0], "beat", args[0])
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: step == "orphan"}
		c.Stdout, c.Stderr = os.Stdout, os.Stderr
		if err := c.Start(); err != nil {
			return err
		}
		for {
			if _, err := os.Stat(args[0]); err == nil {
				return nil
			}
			time.Sleep(time.Millisecond)
		}
	case "beat":
		for n := 0; ; n++ {
			if err := os.WriteFile(args[0], []byte(fmt.Sprint(n)), 0o644); err != nil {
				return err
			}
			time.Sleep(5 * time.Millisecond)
		}
	case "serve": // address greeting: answers each connection at the end of its input
		l, err := net.Listen("tcp", args[0])
		if err != nil {
			return err
		}
		fmt.Println("ready")
		for {
			c, err := l.Accept()
			if err != nil {
				return err
			}
			go func() {
				defer c.Close()
				content, _ := io.ReadAll(c)
				fmt.Fprintf(c, "%s %s", args[1], content)
			}()
		}
	case "serve-and-end": // address code: exits after the first connection
		l, err := net.Listen("tcp", args[0])
		if err != nil {
			return err
		}
		fmt.Println("ready")
		if _, err := l.Accept(); err != nil {
			return err
		}
		return run("exit", args[1:])
	case "lines":
		n := 0
		fmt.Sscan(args[0], &n)
		w := bufio.NewWriter(os.Stdout)
		for i := range n {
			fmt.Fprintln(w, i)
		}
		return w.Flush()
	case "all": // name args -- name args ...
		for len(args) > 0 {
			end := len(args)
			for i, a := range args {
				if a == "--" {
					end = i
					break
				}
			}
			if err := run(args[0], args[1:end]); err != nil {
				fmt.Println(args[0], "failed")
			}
			args = args[min(end+1, len(args)):]
		}
	default:
		return fmt.Errorf("no step %q", step)
	}
	return nil
}
