// The peer: the texts and users of bench-server on Go's net/http and encoding/json. Options: -port P.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
)

type user struct {
	ID    int64    `json:"id"`
	Name  string   `json:"name"`
	Age   int32    `json:"age"`
	Level string   `json:"level"`
	Tags  []string `json:"tags"`
	Email string   `json:"email"`
}

func answer(w http.ResponseWriter, u user) {
	body, err := json.Marshal(u)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(body)
}

func find(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id < 1 {
		http.Error(w, "id: a number from 1", http.StatusBadRequest)
		return
	}
	answer(w, user{id, "Ada Lovelace", 36, "high", []string{"first", "analytical", "engine"}, "ada@example.com"})
}

func add(w http.ResponseWriter, r *http.Request) {
	var u user
	if err := json.NewDecoder(r.Body).Decode(&u); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer(w, u)
}

func plain(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	w.Write([]byte("hello, world\n"))
}

func main() {
	port := flag.Int("port", 8080, "")
	flag.Parse()
	http.HandleFunc("GET /plain", plain)
	http.HandleFunc("GET /users/{id}", find)
	http.HandleFunc("POST /users", add)
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("ready pid=%d http1=%d\n", os.Getpid(), *port)
	log.Fatal(http.Serve(listener, nil))
}
