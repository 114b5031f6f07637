tandem_fuzz(tlib_json LINKS tserver_client)
