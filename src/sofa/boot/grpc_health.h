#pragma once
// grpc.health.v1 on the port of an application's services, as balancers and `grpc_health_probe` ask for it. One line in main(); it links protobuf,
// which an application without it does not need.
//
//   boot::with_grpc_health(app);

#include "sofa/boot/application.h"

namespace sofa::boot {

/// Each published service, and "" for the whole server, is SERVING while the application accepts traffic, and NOT_SERVING otherwise. Before start().
void with_grpc_health(Application& application);

}  // namespace sofa::boot
