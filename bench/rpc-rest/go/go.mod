module sofa/bench/rest

go 1.24
