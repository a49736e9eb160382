module sofa/chaos

go 1.24
