// Loads an etcd cluster through clientv3, in a closed loop, and prints one JSON line, as bench-raft-load does.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

var (
	endpoints   = flag.String("endpoints", "", "of the cluster, with commas between")
	callers     = flag.Int("callers", 64, "each has one request on its way")
	connections = flag.Int("connections", 4, "clients that they share")
	keys        = flag.Int("keys", 10000, "that are written and read, in turn")
	size        = flag.Int("size", 256, "bytes of a value")
	op          = flag.String("op", "put", "put or get")
	warmup      = flag.Duration("warmup", time.Second, "before the window")
	window      = flag.Duration("seconds", 5*time.Second, "of the window")
)

func ownCPU() time.Duration {
	var used syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// load runs all callers until the time has passed, and gives the latencies of what succeeded, and how much failed.
func load(clients []*clientv3.Client, value string, duration time.Duration) ([]time.Duration, int) {
	var all []time.Duration
	var failed int
	var lock sync.Mutex
	var running sync.WaitGroup
	end := time.Now().Add(duration)
	for caller := 0; caller < *callers; caller++ {
		running.Add(1)
		go func() {
			defer running.Done()
			client := clients[caller%len(clients)]
			var took []time.Duration
			bad := 0
			for number := caller * 7919; ; number++ {
				begun := time.Now()
				if begun.After(end) {
					break
				}
				key := fmt.Sprintf("key%08d", number%*keys)
				ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
				var err error
				if *op == "get" {
					_, err = client.Get(ctx, key)
				} else {
					_, err = client.Put(ctx, key, value)
				}
				cancel()
				if err != nil {
					bad++
					continue
				}
				took = append(took, time.Since(begun))
			}
			lock.Lock()
			all, failed = append(all, took...), failed+bad
			lock.Unlock()
		}()
	}
	running.Wait()
	return all, failed
}

func main() {
	flag.Parse()
	var clients []*clientv3.Client
	for i := 0; i < *connections; i++ {
		client, err := clientv3.New(clientv3.Config{Endpoints: strings.Split(*endpoints, ","), DialTimeout: 5 * time.Second, Logger: zap.NewNop()})
		if err != nil {
			log.Fatal(err)
		}
		defer client.Close()
		clients = append(clients, client)
	}
	value := strings.Repeat("v", *size)
	load(clients, value, *warmup)
	fmt.Println("measuring")
	cpu, begun := ownCPU(), time.Now()
	took, failed := load(clients, value, *window)
	passed := time.Since(begun)
	if len(took) == 0 {
		log.Fatal("no request succeeded")
	}
	sort.Slice(took, func(a, b int) bool { return took[a] < took[b] })
	at := func(share float64) int64 { return took[int(share*float64(len(took)-1))].Microseconds() }
	json.NewEncoder(os.Stdout).Encode(map[string]any{
		"calls": len(took), "rate": float64(len(took)) / passed.Seconds(), "errors": failed,
		"p50_us": at(0.5), "p99_us": at(0.99), "p999_us": at(0.999),
		"client_cpu_us": float64((ownCPU() - cpu).Microseconds()) / float64(len(took)),
	})
}
