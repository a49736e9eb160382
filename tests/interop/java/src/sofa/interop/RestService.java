package sofa.interop;

import javax.ws.rs.Consumes;
import javax.ws.rs.GET;
import javax.ws.rs.HeaderParam;
import javax.ws.rs.POST;
import javax.ws.rs.Path;
import javax.ws.rs.PathParam;
import javax.ws.rs.Produces;
import javax.ws.rs.QueryParam;
import javax.ws.rs.core.MediaType;

/** Section 4 of the contract. */
@Path("interop")
public interface RestService {
    @GET
    @Path("hello/{name}")
    @Produces(MediaType.TEXT_PLAIN)
    String hello(@PathParam("name") String name, @QueryParam("times") Integer times);

    @POST
    @Path("user")
    @Consumes(MediaType.APPLICATION_JSON)
    @Produces(MediaType.APPLICATION_JSON)
    RestUser putUser(RestUser user);

    /** The same with a class that has more members, most of them null. */
    @POST
    @Path("user")
    @Consumes(MediaType.APPLICATION_JSON)
    @Produces(MediaType.APPLICATION_JSON)
    User putWholeUser(User user);

    @GET
    @Path("header")
    @Produces(MediaType.TEXT_PLAIN)
    String header(@HeaderParam("X-Interop") String value);

    @GET
    @Path("fail")
    String fail(@QueryParam("kind") String kind);

    @GET
    @Path("nothing/here")
    String nothing();
}
