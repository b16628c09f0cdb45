# iRule for an F5 BIG-IP virtual server in front of the ingress. Not run in our tests: no BIG-IP at hand.
# Needs an HTTP profile on both sides, "Action On Service Down: Reject", and a pool monitor that sends
#     GET /ib/TENANT HTTP/1.1\r\nHost: connector.example.com\r\nConnection: close\r\n\r\n
# and expects "HTTP/1.1 200". PeopleSoft sends again after 404 and 503 only.
when HTTP_REQUEST {
    if { not ([HTTP::path] starts_with "/ib/" or [HTTP::path] starts_with "/webhook/") } {
        HTTP::respond 403 content "no" noserver
        return
    }
    HTTP::header replace X-Forwarded-For [IP::client_addr]
}
when LB_FAILED {
    HTTP::respond 503 content "try again later\n" noserver Retry-After 5 Connection close
}
when HTTP_RESPONSE {
    # Only something between F5 and the connector makes these; the connector never does.
    if { [HTTP::status] == 500 || [HTTP::status] == 502 || [HTTP::status] == 504 } {
        HTTP::respond 503 content "try again later\n" noserver Retry-After 5
    }
}
