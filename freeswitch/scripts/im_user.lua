-- Invites a user to a group's session or removes one, in the name of a participant of this FreeSWITCH:
--   lua im_user.lua add|remove sip:GROUP@DOMAIN sip:IDENTITY@DOMAIN sip:USER@DOMAIN
-- IDENTITY takes part already: a caller who joined, or one that im_session.lua has started.

local im = dofile(freeswitch.getGlobalVariable("script_dir") .. "/im.lua")
local status = im.ask(argv[1], { Group = argv[2], Identity = argv[3], User = argv[4] })
if session ~= nil then session:setVariable("im_status", tostring(status)) end
if stream ~= nil then stream:write(tostring(status) .. "\n") end
