-- What mod_lua gives to a script, as far as ours use it. Arguments: the folder of the scripts, the script, its arguments.
-- The environment: CHANNEL_x and MESSAGE_x are variables and headers, REPLY is the status that Parley answers (none: silence).
-- Each effect is a line: its kind and its fields, separated by tabs.

local folder, script = arg[1], arg[2]
argv = {}
for index = 3, #arg do argv[#argv + 1] = arg[index] end

local clock, last_corr, numbers = 0, nil, 0

local function say(...)
  print(table.concat({ ... }, "\t"))
end

local function variable(prefix, name)
  return os.getenv(prefix .. "_" .. name:gsub("[^%w]", "_"))
end

local function class(methods)
  return setmetatable({}, { __index = methods })
end

freeswitch = {
  getGlobalVariable = function(name) return name == "script_dir" and folder or nil end,
  consoleLog = function(level, text) say("LOG", level, (text:gsub("\n", ""))) end,
  API = function()
    return class({
      execute = function(_, command, argument)
        if command == "create_uuid" then
          numbers = numbers + 1
          return "corr-" .. numbers
        end
        if command == "acl" then return argument == "127.0.0.1 im_kamailio" and "true" or "false" end
        error("unexpected command " .. command)
      end,
      getTime = function() return clock end,
    })
  end,
  Event = function(name, subclass)
    local headers, body = {}, ""
    return class({
      addHeader = function(_, header, value)
        headers[#headers + 1] = header .. "=" .. value
        if header == "im-corr" then last_corr = value end
      end,
      addBody = function(_, text) body = text end,
      fire = function()
        table.sort(headers)
        say("EVENT", name, subclass, table.concat(headers, ";"), body)
      end,
    })
  end,
  EventConsumer = function(name, subclass)
    say("BOUND", name, subclass)
    local answered = false
    return class({
      pop = function(_, _, timeout)
        local status = os.getenv("REPLY")
        if status == nil or answered then
          clock = clock + timeout
          return nil
        end
        -- First one that is for somebody else.
        if not answered and clock == 0 then
          clock = 1
          return class({ getHeader = function(_, header) return header == "im-corr" and "other" or "403" end, getBody = function() return "" end })
        end
        answered = true
        return class({
          getHeader = function(_, header) return header == "im-corr" and last_corr or status end,
          getBody = function() return "because" end,
        })
      end,
      cleanup = function() say("UNBOUND") end,
    })
  end,
}

if os.getenv("CHANNEL_uuid") then
  session = class({
    get_uuid = function() return os.getenv("CHANNEL_uuid") end,
    getVariable = function(_, name) return variable("CHANNEL", name) end,
    setVariable = function(_, name, value) say("SET", name, value) end,
    hangup = function(_, cause) say("HANGUP", cause) end,
  })
else
  stream = class({ write = function(_, text) say("OUT", (text:gsub("\n", ""))) end })
end
if os.getenv("MESSAGE_to_user") then
  message = class({
    getHeader = function(_, name) return variable("MESSAGE", name) end,
    getBody = function() return os.getenv("MESSAGE_BODY") end,
  })
end

dofile(folder .. "/" .. script)
